import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { FurrowError } from '../../../contract/errors.ts';
import { type SteppedTrainParams, trainParams } from '../../../contract/stages/train.ts';
import { temporaryFolder } from '../testing/temporaryFolder.ts';
import { writeToyFeatures } from '../testing/toyFeatures.ts';
import { readCheckpoint, type TrainingState } from '../trainer/checkpoint.ts';
import { startPosition } from '../trainer/position.ts';
import type { TrainingEnd, TrainingHooks } from '../trainer/train.ts';
import { trainSteps } from './trainSteps.ts';
import type { TrainResult } from './trainTask.ts';

const trainNetwork = vi.hoisted(() => vi.fn());
vi.mock('../trainer/train.ts', () => ({ trainNetwork }));
vi.mock('../tensorflow.ts', () => ({ loadTensorflow: async () => ({}) }));

const folder = temporaryFolder();
const features = join(folder, 'features');
const params = trainParams.parse({ model: 'pooled-cnn', epochs: 1 }) as SteppedTrainParams;
const state: TrainingState = {
  training: 'this one',
  position: { ...startPosition, step: 5 },
  tensors: [{ name: 'weights/a', shape: [2 ** 18], values: new Float32Array(2 ** 18) }],
  runLog: new Uint8Array(),
};

beforeAll(() => writeToyFeatures(features, { height: 4, width: 4, plots: { train: 4, validation: 0, test: 0 } }));

function trainWith(checkpoint: (step: number, file: string) => Promise<boolean>) {
  const task = { features, params, seed: 1, key: 'sha256:test', checkpoint: undefined };
  return trainSteps({ ...task, output: folder, scratch: folder, work: folder }, params, {
    stopRequested: () => false,
    progress: () => {},
    warn: () => {},
    checkpoint,
  });
}

/** Training fails right after it gave a checkpoint. */
async function failAfterCheckpoint(_: unknown, hooks: TrainingHooks): Promise<never> {
  hooks.onCheckpoint(() => state);
  throw new FurrowError('TRAINING_DIVERGED', 'as it does');
}

describe('a training that is finished', () => {
  it('leaves a checkpoint of its end, though one was on its way when it ended', async () => {
    trainNetwork.mockImplementation(async (_: unknown, hooks: TrainingHooks): Promise<TrainingEnd> => {
      hooks.onCheckpoint(() => state);
      const atEnd = { ...state, position: { ...state.position, step: 6 } };
      hooks.onCheckpoint(() => atEnd);
      return { kind: 'finished', state: atEnd, members: [], valMae: 1, heldOut: new Float32Array() };
    });
    const steps: number[] = [];
    const { metrics } = (await trainWith(async (step) => {
      steps.push(step);
      return true;
    })) as TrainResult;
    expect(metrics.steps).toBe(6);
    expect(steps).toEqual([5, 6]);
  });
});

describe('a training that fails', () => {
  it('sees its checkpoint stored that was on its way, before the failure ends the process', async () => {
    trainNetwork.mockImplementation(failAfterCheckpoint);
    const kept = join(folder, 'kept');
    let stored = false;
    const training = trainWith(async (_step, file) => {
      await copyFile(file, kept);
      stored = true;
      return true;
    });
    await expect(training).rejects.toMatchObject({ code: 'TRAINING_DIVERGED' });
    expect(stored).toBe(true);
    expect((await readCheckpoint(kept, 'this one')).position.step).toBe(5);
  });

  it('does not wait longer than a few seconds for a store that hangs', async () => {
    trainNetwork.mockImplementation(failAfterCheckpoint);
    const started = performance.now();
    await expect(trainWith(() => new Promise(() => {}))).rejects.toMatchObject({ code: 'TRAINING_DIVERGED' });
    expect(performance.now() - started).toBeGreaterThan(4_000);
  }, 20_000);
});
