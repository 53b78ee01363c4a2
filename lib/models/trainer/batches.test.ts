import { beforeAll, describe, expect, it } from 'vitest';
import type { PlotRow } from '../../../contract/features.ts';
import { type Features, openFeatures } from '../../data/features.ts';
import { unchanged } from '../standardize.ts';
import { temporaryFolder } from '../testing/temporaryFolder.ts';
import { writeToyFeatures } from '../testing/toyFeatures.ts';
import { type BatchPlace, batchIndices, readBatch, stepsPerEpoch } from './batches.ts';
import type { PlotPlace } from './folds.ts';

const folder = temporaryFolder();
const place = { seed: 1, fold: 0, epoch: 0, step: 0 };

describe('the batches of an epoch', () => {
  it.each([
    [96, 16],
    [97, 16],
    [17, 16],
    [3, 16],
  ])('of %i plots in batches of %i hold every plot once, and are nearly equal in size', (plots, batchSize) => {
    const steps = stepsPerEpoch(plots, batchSize);
    const batches = Array.from({ length: steps }, (_, step) => batchIndices({ ...place, step }, { plots, batchSize }));
    expect(batches.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: plots }, (_, index) => index));
    const sizes = batches.map((batch) => batch.length);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(batchSize);
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
  });

  it('come in an order of their own in each epoch of each fold', () => {
    const order = (changes: Partial<BatchPlace>) =>
      batchIndices({ ...place, ...changes }, { plots: 40, batchSize: 40 }).join();
    const places = [0, 1, 2].flatMap((fold) => [0, 1, 2].map((epoch) => ({ fold, epoch })));
    expect(new Set(places.map(order)).size).toBe(9);
    expect(order({ fold: 1, epoch: 2 })).toBe(order({ fold: 1, epoch: 2 }));
  });
});

describe('a batch that is read', () => {
  let features: Features;
  const statistics = unchanged(4);
  const mixed: PlotPlace[] = [
    { split: 'validation', index: 2 },
    { split: 'train', index: 5 },
    { split: 'train', index: 1 },
    { split: 'validation', index: 0 },
    { split: 'train', index: 3 },
  ];

  beforeAll(async () => {
    await writeToyFeatures(folder, { height: 3, width: 2, plots: { train: 6, validation: 3, test: 1 } });
    features = await openFeatures(folder);
  });

  it('holds plots of several splits in the order asked for, each with its own target', async () => {
    const batch = await readBatch(features, mixed, { statistics });
    expect(batch.plots).toBe(5);
    for (const [at, { split, index }] of mixed.entries()) {
      const own = batch.pixels.subarray(at * features.plotLength, (at + 1) * features.plotLength);
      expect(own).toEqual(await features.readPlots(split, [index]));
      expect(batch.targets[at]).toBe((features.rows(split)[index] as PlotRow).target);
    }
  });

  it.each([{ flips: true }, { brightness: 0.3 }, { mixup: 1 }])(
    'is varied by %j in a way of its own in each fold, epoch and step',
    async (changes) => {
      const augment = { flips: false, rotate180: false, brightness: 0, mixup: 0, ...changes };
      const varied = async (at: Partial<BatchPlace>) =>
        (await readBatch(features, mixed, { statistics, varied: { augment, place: { ...place, ...at } } })).pixels;
      const asItWas = await varied({});
      expect(await varied({})).toEqual(asItWas);
      for (const other of [{ fold: 1 }, { epoch: 1 }, { step: 1 }]) expect(await varied(other)).not.toEqual(asItWas);
    },
  );
});
