/** When a training leaves a checkpoint, told by a clock that stands still between steps. */
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type SteppedTrainParams, trainParams } from '../../../contract/stages/train.ts';
import { openFeatures } from '../../data/features.ts';
import { loadTensorflow } from '../tensorflow.ts';
import { temporaryFolder } from '../testing/temporaryFolder.ts';
import { writeToyFeatures } from '../testing/toyFeatures.ts';
import { trainNetwork } from './train.ts';

const folder = join(temporaryFolder(), 'toy');
/** Three epochs of three steps. */
const epochEnds = [3, 6, 9];

beforeEach(() => vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => vi.useRealTimers());

/** The steps after which a checkpoint was asked for, each step taking 0.6 s, and those of the states that were taken. */
async function checkpoints(checkpointEvery: number | string, takes = true) {
  await writeToyFeatures(folder, { height: 8, width: 8, plots: { train: 21, validation: 2, test: 0 } });
  const [tf, features] = [await loadTensorflow(), await openFeatures(folder)];
  const network = { model: 'convnet2d', filters: [2, 2], epochs: 3, batchSize: 8, checkpointEvery };
  const params = trainParams.parse(network) as SteppedTrainParams;
  const [asked, taken]: [number[], number[]] = [[], []];
  let now = 0;
  await trainNetwork(
    { tf, features, params, seed: 7, training: 'test' },
    {
      stopRequested: () => false,
      onStep: ({ step }) => {
        now = step;
        vi.advanceTimersByTime(600);
      },
      onCheckpoint: (take) => {
        asked.push(now);
        if (takes) taken.push(take().position.step);
      },
    },
  );
  return { asked, taken };
}

describe('a checkpoint', () => {
  it('by time is taken in the middle of an epoch too, and at the end', async () => {
    const { taken } = await checkpoints('1s');
    expect(taken.filter((step) => !epochEnds.includes(step))).toEqual([2, 4, 8]);
    expect(taken).toEqual([2, 4, 6, 8, 9]);
  });

  it('by time is counted from the last one that was taken', async () => {
    expect((await checkpoints('2s')).taken).toEqual([4, 8, 9]);
  });

  it('that is due and not taken is asked for again after every step', async () => {
    expect((await checkpoints('2s', false)).asked).toEqual([4, 5, 6, 7, 8, 9]);
    expect((await checkpoints(2, false)).asked).toEqual([6, 7, 8, 9]);
  });

  it('by epochs is taken at their ends alone, however long they take, and at the end', async () => {
    expect((await checkpoints(2)).taken).toEqual([6, 9]);
  });
});
