import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { trainParams } from '../../../contract/stages/train.ts';
import { openFeatures } from '../../data/features.ts';
import { loadModel } from '../predict.ts';
import { uniforms } from '../random.ts';
import { buildProgram } from '../testing/buildProgram.ts';
import { temporaryFolder } from '../testing/temporaryFolder.ts';
import { writeToyFeatures } from '../testing/toyFeatures.ts';
import { trainingAttempts } from '../testing/trainingAttempts.ts';

const folder = temporaryFolder();
const features = join(folder, 'features');
const params = trainParams.parse({
  model: 'convnet2d',
  filters: [6, 6],
  optimizer: { sgd: { lr: 0.05, momentum: 0.9 } },
  batchSize: 8,
  epochs: 6,
  checkpointEvery: 1,
});
const stepsPerEpoch = 5;
let training: ReturnType<typeof trainingAttempts>;

beforeAll(async () => {
  const entry = await buildProgram('lib/models/child/trainMain.ts');
  training = trainingAttempts({ entry, folder, features, params });
  await writeToyFeatures(features, { height: 40, width: 26, plots: { train: 36, validation: 8, test: 8 } });
}, 120_000);

describe('a training in a child process', () => {
  let undisturbed: string;
  let valMae: number;
  const everyStep = Array.from({ length: 30 }, (_, index) => index + 1);

  beforeAll(async () => {
    const { result, error, steps } = await training.attempt({ name: 'undisturbed' });
    expect(error).toBeUndefined();
    expect(result?.metrics).toMatchObject({ epochs: 6, steps: 30 });
    expect(steps.at(-1)).toBe(30);
    undisturbed = await training.digest('undisturbed');
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
    let checkpoint: { step: number; file: string } | undefined;
    let kills = 0;
    for (const draw of uniforms({ seed: 3, use: 'augmentation' }, 5)) {
      // Somewhere in the two epochs after the checkpoint.
      const from = checkpoint?.step ?? 0;
      const victim = from + 1 + Math.floor(draw * 2 * stepsPerEpoch);
      const { error, stored } = await training.attempt({
        name: 'killed',
        checkpoint: checkpoint?.file,
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
    const { error } = await training.attempt({ name: 'killed', checkpoint: checkpoint?.file });
    expect(error).toBeUndefined();
    expect(kills).toBeGreaterThan(2);
    expect(await training.digest('killed')).toBe(undisturbed);
    expect(await training.stepRows('killed')).toEqual(everyStep);
  }, 120_000);

  it('asked to stop in the middle of an epoch, leaves a checkpoint there and goes on from it', async () => {
    const shutdown = new AbortController();
    const reason = new Error('the worker shuts down');
    const { error, stored, steps } = await training.attempt({
      name: 'stopped',
      signal: shutdown.signal,
      onStep: (step) => {
        if (step === 12) shutdown.abort(reason);
      },
    });
    expect(error).toBe(reason);
    expect(steps.at(-1)).toBeGreaterThanOrEqual(12);
    expect((await training.attempt({ name: 'stopped', checkpoint: stored?.file })).error).toBeUndefined();
    expect(await training.digest('stopped')).toBe(undisturbed);
    expect(await training.stepRows('stopped')).toEqual(everyStep);
  }, 60_000);

  it('passes on why it failed: a checkpoint of another training is refused', async () => {
    const { stored } = await training.attempt({ name: 'short', task: { params: { ...params, epochs: 1 } as never } });
    const { error } = await training.attempt({ name: 'other', checkpoint: stored?.file, task: { seed: 43 } });
    expect(error).toMatchObject({ name: 'FurrowError', code: 'CHECKPOINT_INVALID' });
  }, 60_000);

  it('fits ridge without loading TensorFlow', async () => {
    const { error, result } = await training.attempt({
      name: 'ridge',
      task: { params: trainParams.parse({ model: 'ridge' }) },
    });
    expect(error).toBeUndefined();
    expect(result?.metrics.val_mae).toBeLessThan(60);
  });
});
