import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type SteppedTrainParams, trainParams } from '../../../contract/stages/train.ts';
import { watchMemory } from '../child/memory.ts';
import { runChild } from '../child/runChild.ts';
import type { TrainTask } from '../child/trainTask.ts';
import { buildProgram } from '../testing/buildProgram.ts';
import { temporaryFolder } from '../testing/temporaryFolder.ts';
import { writeToyFeatures } from '../testing/toyFeatures.ts';
import { estimate } from './estimate.ts';
import { measureTraining } from './measure.ts';

const folder = temporaryFolder();
const input = { height: 80, width: 60, channels: 4 };
const plots = { train: 64, validation: 8 };
const gib = 2 ** 30;

let measuring: string;
let training: string;
beforeAll(async () => {
  measuring = await buildProgram('lib/models/child/measureMain.ts');
  training = await buildProgram('lib/models/child/trainMain.ts');
});

function params(given: object): SteppedTrainParams {
  return trainParams.parse({
    model: 'convnet2d',
    filters: [64, 64],
    epochs: 1,
    batchSize: 64,
    ...given,
  }) as SteppedTrainParams;
}

/** The most memory that a process had that really trained. */
async function trainedPeak(given: SteppedTrainParams): Promise<number> {
  const features = join(folder, 'features');
  await writeToyFeatures(features, { ...input, plots: { ...plots, test: 0 } });
  let watched: ReturnType<typeof watchMemory> | undefined;
  const paths = { output: join(folder, 'model'), scratch: folder, work: join(folder, 'work') };
  const task: TrainTask = { features, params: given, seed: 1, key: 'key', checkpoint: undefined, ...paths };
  await runChild({
    entry: training,
    task,
    signal: new AbortController().signal,
    log: { info: () => {}, warn: () => {} },
    onSpawn: (pid) => {
      watched = watchMemory(pid);
    },
  });
  watched?.stop();
  return watched?.last?.peak ?? 0;
}

describe.skipIf(process.platform !== 'linux')('measureTraining', () => {
  it('tells by small batches what a real training with a large one takes', async () => {
    const given = params({ optimizer: { adamw: { lr: 0.001 } }, averaging: 0.9 });
    const measurement = await measureTraining({
      ...{ params: given, input, target: 16, available: 8 * gib, seconds: 30 },
      entry: measuring,
    });
    expect(measurement?.steps.map((step) => step.plots)).toEqual([2, 4, 16]);
    const expected = estimate({ params: given, input, plots }, measurement as NonNullable<typeof measurement>, 8 * gib);
    expect(expected).toMatchObject({ stepPlots: 64, measuredPlots: 16, verdict: 'fits' });
    const real = await trainedPeak(given);
    const apart = `estimated ${Math.round(expected.peakBytes / 2 ** 20)} MiB, took ${Math.round(real / 2 ** 20)} MiB`;
    expect(Math.abs(expected.peakBytes / real - 1), apart).toBeLessThan(0.25);
    // What the library itself takes would be right for any guess: what the plots take is, too.
    const fixed = expected.peakBytes - (64 / 48) * (expected.peakBytes - (measurement?.steps[2]?.peakBytes ?? 0));
    expect(Math.abs((expected.peakBytes - fixed) / (real - fixed) - 1), apart).toBeLessThan(0.25);
    // As many numbers as the network has, with the two slots of AdamW and the average.
    expect(measurement?.stateBytes).toBeGreaterThan(3 * 4 * (measurement?.weights ?? 0));
  });

  it('says how long a step takes: more for more plots', async () => {
    const measurement = await measureTraining({
      ...{ params: params({ testFlips: true }), input, target: 32, available: 8 * gib, seconds: 30 },
      entry: measuring,
    });
    const [two, , ...larger] = measurement?.steps ?? [];
    expect(larger.at(-1)?.stepSeconds).toBeGreaterThan((two?.stepSeconds ?? 0) * 4);
    expect(larger.at(-1)?.validateSeconds).toBeGreaterThan(0);
  });

  it('ends before it takes more memory than there is, with what it has seen by then', async () => {
    const wide = { params: params({ filters: [256, 256] }), input, target: 64, seconds: 30, entry: measuring };
    const some = await measureTraining({ ...wide, available: 0.8 * gib });
    expect(some?.steps.at(-1)?.plots).toBeLessThan(64);
    expect(some?.steps.at(-1)?.peakBytes).toBeLessThan(0.8 * gib);
    // Less than the library alone.
    expect(await measureTraining({ ...wide, available: 0.1 * gib })).toBeUndefined();
  });

  it('says that a network cannot be made of such plots', async () => {
    const tiny = { params: params({}), input: { height: 4, width: 4, channels: 4 }, target: 16 };
    await expect(measureTraining({ ...tiny, available: 8 * gib, seconds: 30, entry: measuring })).rejects.toMatchObject(
      { code: 'CONFIG_INVALID' },
    );
  });
});
