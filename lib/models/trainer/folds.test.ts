import { describe, expect, it } from 'vitest';
import type { PlotRow } from '../../../contract/features.ts';
import { assignFolds } from './folds.ts';

/** Places with five dates each; the share of forest rises from place to place. */
const rows: PlotRow[] = Array.from({ length: 60 * 5 }, (_, at) => {
  const place = Math.floor(at / 5);
  return { plot: `p${at}`, split: 'train', group: `place${place}`, target: place };
});

describe('folds for cross-validation', () => {
  it('never part a group, and are of nearly equal size', () => {
    const folds = assignFolds(rows, 5, 1);
    for (const [at, fold] of folds.entries()) expect(fold).toBe(folds[at - (at % 5)]);
    const sizes = [0, 1, 2, 3, 4].map((fold) => folds.filter((each) => each === fold).length);
    expect(sizes).toEqual([60, 60, 60, 60, 60]);
  });

  it('see all levels of the target', () => {
    const folds = assignFolds(rows, 5, 1);
    for (const fold of [0, 1, 2, 3, 4]) {
      const targets = rows.filter((_, at) => folds[at] === fold).map((row) => row.target);
      const mean = targets.reduce((sum, target) => sum + target, 0) / targets.length;
      expect(mean).toBeGreaterThan(26);
      expect(mean).toBeLessThan(33);
    }
  });

  it('follow the seed alone, not the order of the plots', () => {
    const folds = assignFolds(rows, 5, 1);
    expect(assignFolds(rows, 5, 1)).toEqual(folds);
    expect(assignFolds(rows, 5, 2)).not.toEqual(folds);
    expect(assignFolds(rows.toReversed(), 5, 1).toReversed()).toEqual(folds);
  });

  it('are refused when there are fewer groups', () => {
    expect(() => assignFolds(rows.slice(0, 10), 3, 1)).toThrow('got 2 groups for 3 folds');
  });
});
