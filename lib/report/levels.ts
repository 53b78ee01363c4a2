import type { RegressionMetrics } from '../../contract/model.ts';

/** A target with more different values than this is no dose but a measurement: it is cut into ranges. */
const mostLevels = 12;
const ranges = 5;

/**
 * The mean absolute error at each level of the target, for example each dose of nitrogen; for a target with many values at the
 * middles of five ranges of equal width.
 */
export function errorsPerLevel(
  targets: ArrayLike<number>,
  predictions: ArrayLike<number>,
): RegressionMetrics['perLevel'] {
  const levelOf = levelsOf(Array.from(targets));
  const sums = new Map<number, { plots: number; absolute: number }>();
  for (let plot = 0; plot < targets.length; plot++) {
    const level = levelOf(targets[plot] as number);
    const { plots, absolute } = sums.get(level) ?? { plots: 0, absolute: 0 };
    const error = Math.abs((predictions[plot] as number) - (targets[plot] as number));
    sums.set(level, { plots: plots + 1, absolute: absolute + error });
  }
  return [...sums]
    .sort(([a], [b]) => a - b)
    .map(([level, { plots, absolute }]) => ({ level, plots, mae: absolute / plots }));
}

/** The different values of a target that has few of them, sorted; undefined where it is a measurement. */
export function dosesOf(targets: readonly number[]): readonly number[] | undefined {
  const values = [...new Set(targets)].sort((a, b) => a - b);
  return values.length <= mostLevels ? values : undefined;
}

function levelsOf(targets: readonly number[]): (target: number) => number {
  if (dosesOf(targets)) return (target) => target;
  const least = targets.reduce((a, b) => Math.min(a, b));
  const width = (targets.reduce((a, b) => Math.max(a, b)) - least) / ranges;
  return (target) => least + (Math.min(ranges - 1, Math.floor((target - least) / width)) + 0.5) * width;
}
