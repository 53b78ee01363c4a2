import { describe, expect, it } from 'vitest';
import type { PlotRow, Split } from '../../contract/features.ts';
import type { Features } from '../data/features.ts';
import { evaluationSplits, heldOutOf } from './splits.ts';

function featuresOf(plots: Record<Split, number>): Features {
  const rows = (split: Split): PlotRow[] =>
    Array.from({ length: plots[split] }, (_, at) => ({ plot: `${split}${at}`, split, group: `${at}`, target: at }));
  return { rows } as unknown as Features;
}

describe('what a cross-validated model predicts for plots that it held out', () => {
  const features = featuresOf({ train: 3, validation: 2, test: 4 });
  const heldOut = Float32Array.of(1, 2, 3, 4, 5);

  it('is listed training plots first, then validation plots', () => {
    expect([...(heldOutOf(features, 'train', heldOut) ?? [])]).toEqual([1, 2, 3]);
    expect([...(heldOutOf(features, 'validation', heldOut) ?? [])]).toEqual([4, 5]);
  });

  it('is nothing for test plots, from which no network learned', () => {
    expect(heldOutOf(features, 'test', heldOut)).toBeUndefined();
  });
});

describe('an evaluation', () => {
  it.each([
    [
      { train: 3, validation: 2, test: 4 },
      { validation: 'validation', test: 'test' },
    ],
    [
      { train: 3, validation: 0, test: 4 },
      { validation: 'train', test: 'test' },
    ],
    [
      { train: 3, validation: 2, test: 0 },
      { validation: 'validation', test: 'validation' },
    ],
    [
      { train: 3, validation: 0, test: 0 },
      { validation: 'train', test: 'train' },
    ],
  ])('of plots %j chooses and reports by %j', (plots, splits) => {
    expect(evaluationSplits(featuresOf(plots))).toEqual(splits);
  });
});
