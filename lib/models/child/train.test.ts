import { createHash } from 'node:crypto';
import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Digest } from '../../../contract/artifact.ts';
import { trainParams } from '../../../contract/stages/train.ts';
import { openFeatures } from '../../data/features.ts';
import { loadModel } from '../predict.ts';
import { uniforms } from '../random.ts';
import { buildProgram } from '../testing/buildProgram.ts';
import { temporaryFolder } from '../testing/temporaryFolder.ts';
import { writeToyFeatures } from '../testing/toyFeatures.ts';
import { runChild } from './runChild.ts';
import type { TrainResult, TrainTask } from './trainTask.ts';

const folder = temporaryFolder();
const features = join(folder, 'features');
const log = { info: () => {}, warn: () => {} };
const params = trainParams.parse({
  model: 'convnet2d',
  filters: [6, 6],
  optimizer: { sgd: { lr: 0.05, momentum: 0.9 } },
  batchSize: 8,
  epochs: 6,
});
const stepsPerEpoch = 5;
let entry: string;

beforeAll(async () => {
  entry = await buildProgram('lib/models/child/trainMain.ts');
  await writeToyFeatures(features, { height: 40, width: 26, plots: { train: 36, validation: 8, test: 8 } });
}, 120_000);

interface Attempt {
  readonly name: string;
  readonly checkpoint?: string | undefined;
  readonly signal?: AbortSignal;
  readonly task?: Partial<TrainTask>;
  onStep?(step: number, pid: number): void;
}

/** One attempt; the newest checkpoint that it stored lies in `stored`. */
async function attempt({ name, checkpoint, signal = new AbortController().signal, task, onStep }: Attempt) {
  let pid = 0;
  let stored: string | undefined;
  const steps: number[] = [];
  const run = runChild({
    entry,
    signal,
    log,
    task: {
      features,
      params,
      seed: 42,
      key: 'sha256:test' as Digest,
      checkpoint,
      output: join(folder, name),
      scratch: folder,
      work: join(folder, `work-${name}`),
      ...task,
    } satisfies TrainTask,
    onSpawn: (spawned) => {
      pid = spawned;
    },
    onProgress: ({ done }) => {
      if (done !== undefined) onStep?.(done, pid);
    },
    onCheckpoint: async (step, file) => {
      const kept = join(folder, `${name}-stored-${step}`);
      await copyFile(file, kept);
      stored = kept;
      steps.push(step);
    },
  });
  const end = await run.then(
    (result) => ({ result: result as TrainResult, error: undefined }),
    (error: unknown) => ({ result: undefined, error }),
  );
  return { ...end, stored, steps };
}

async function digest(name: string): Promise<string> {
  const hash = createHash('sha256');
  for (const file of ['model.json', 'weights.f32']) hash.update(await readFile(join(folder, name, file)));
  return hash.digest('hex');
}

async function stepRows(name: string): Promise<number[]> {
  const rows = (await readFile(join(folder, name, 'runlog.jsonl'), 'utf8'))
    .trim()
    .split('\n')
    .map((row) => JSON.parse(row));
  return rows.filter((row) => row.kind === 'step').map((row) => row.step);
}

describe('a training in a child process', () => {
  let undisturbed: string;
  let valMae: number;
  const everyStep = Array.from({ length: 30 }, (_, index) => index + 1);

  beforeAll(async () => {
    const { result, error, steps } = await attempt({ name: 'undisturbed' });
    expect(error).toBeUndefined();
    expect(result?.metrics).toMatchObject({ epochs: 6, steps: 30 });
    expect(steps.at(-1)).toBe(30);
    undisturbed = await digest('undisturbed');
    valMae = result?.metrics.val_mae as number;
  }, 60_000);

  it('learns: errors fall well below the 100 of the mean, and the model predicts as it was validated', async () => {
    const reader = await openFeatures(features);
    const model = await loadModel(join(folder, 'undisturbed'));
    const mae = async (split: 'validation' | 'test') => {
      const predicted = await model.predict(await reader.readPlots(split, { from: 0, to: 8 }));
      const errors = reader.rows(split).map((row, index) => Math.abs(row.target - (predicted[index] as number)));
      return errors.reduce((sum, error) => sum + error, 0) / errors.length;
    };
    expect(await mae('test')).toBeLessThan(70);
    expect(await mae('validation')).toBeCloseTo(valMae, 3);
    model.dispose();
  });

  it('killed again and again, ends with the byte-identical model and one row a step', async () => {
    let checkpoint: string | undefined;
    let kills = 0;
    for (const draw of uniforms({ seed: 3, use: 'augmentation' }, 5)) {
      // Somewhere in the two epochs after the checkpoint.
      const from = Number(checkpoint?.split('-').at(-1) ?? 0);
      const victim = from + 1 + Math.floor(draw * 2 * stepsPerEpoch);
      const { error, stored } = await attempt({
        name: 'killed',
        checkpoint,
        onStep: (step, pid) => {
          if (step === victim) process.kill(pid, 'SIGKILL');
        },
      });
      if (error) {
        kills++;
        expect(error).toMatchObject({ code: 'CHILD_CRASHED' });
      }
      checkpoint = stored ?? checkpoint;
    }
    const { error } = await attempt({ name: 'killed', checkpoint });
    expect(error).toBeUndefined();
    expect(kills).toBeGreaterThan(2);
    expect(await digest('killed')).toBe(undisturbed);
    expect(await stepRows('killed')).toEqual(everyStep);
  }, 120_000);

  it('asked to stop in the middle of an epoch, leaves a checkpoint there and goes on from it', async () => {
    const shutdown = new AbortController();
    const reason = new Error('the worker shuts down');
    const { error, stored, steps } = await attempt({
      name: 'stopped',
      signal: shutdown.signal,
      onStep: (step) => {
        if (step === 12) shutdown.abort(reason);
      },
    });
    expect(error).toBe(reason);
    expect(steps.at(-1)).toBeGreaterThanOrEqual(12);
    expect((await attempt({ name: 'stopped', checkpoint: stored })).error).toBeUndefined();
    expect(await digest('stopped')).toBe(undisturbed);
    expect(await stepRows('stopped')).toEqual(everyStep);
  }, 60_000);

  it('passes on why it failed: a checkpoint of another training is refused', async () => {
    const { stored } = await attempt({ name: 'short', task: { params: { ...params, epochs: 1 } as never } });
    const { error } = await attempt({ name: 'other', checkpoint: stored, task: { seed: 43 } });
    expect(error).toMatchObject({ name: 'FurrowError', code: 'CHECKPOINT_INVALID' });
  }, 60_000);

  it('fits ridge without loading TensorFlow', async () => {
    const { error, result } = await attempt({ name: 'ridge', task: { params: trainParams.parse({ model: 'ridge' }) } });
    expect(error).toBeUndefined();
    expect(result?.metrics.val_mae).toBeLessThan(60);
  });
});
