/** What steps of a few batch sizes say about steps of any: memory and time are a fixed part and one a plot. */

/** What a measurement saw of one batch size. */
export interface MeasuredStep {
  /** Plots of the step. */
  readonly plots: number;
  /** Seconds of a training step, with reading its batch. */
  readonly stepSeconds: number;
  /** Seconds that validation takes for so many plots. */
  readonly validateSeconds: number;
  /** Bytes: the most that its process had in memory, everything included. */
  readonly peakBytes: number;
}

export interface Line {
  readonly fixed: number;
  readonly perPlot: number;
}

export type Quantity = Exclude<keyof MeasuredStep, 'plots'>;

/**
 * The line through the two largest batches. Of small ones the peak may lie elsewhere, in updating the weights, say; it never falls
 * as plots are added, and neither part of the line is below 0.
 *
 * @param steps by ascending plots, at least one; of one alone, all is taken to be fixed
 */
export function lineThrough(steps: readonly MeasuredStep[], quantity: Quantity): Line {
  const [smaller, larger] = steps.slice(-2) as [MeasuredStep, MeasuredStep?];
  if (!larger) return { fixed: smaller[quantity], perPlot: 0 };
  const perPlot = Math.max(0, (larger[quantity] - smaller[quantity]) / (larger.plots - smaller.plots));
  const fixed = larger[quantity] - perPlot * larger.plots;
  return fixed >= 0 ? { fixed, perPlot } : { fixed: 0, perPlot: larger[quantity] / larger.plots };
}

export function at({ fixed, perPlot }: Line, plots: number): number {
  return fixed + perPlot * plots;
}

/** The most plots for which a line stays within `limit`; 0 where none do. */
export function mostPlots({ fixed, perPlot }: Line, limit: number): number {
  if (fixed > limit) return 0;
  return perPlot === 0 ? Number.POSITIVE_INFINITY : Math.floor((limit - fixed) / perPlot);
}

export interface MeasuringLimits {
  /** Plots of the largest step of the training. */
  readonly target: number;
  /** Bytes that the measurement may take at most. */
  readonly bytes: number;
  /** Seconds that are left for it. */
  readonly seconds: number;
}

/** The first two batches: small enough for any network that can be trained here at all, and a line needs two. */
const first = [2, 4] as const;
/** A batch is never more than so many times the one before it: further away, a line is no evidence that it is safe. */
const mostGrowth = 8;
/** Below this, one more measurement tells nothing new. */
const leastGrowth = 1.5;
/** Steps that a measurement takes at least, the first of which is not counted, and a validation. */
export const leastSteps = 2;

/**
 * The next batch to measure: the target as soon as it is safe and quick enough, else what lies between. Undefined when the target
 * is measured, or nothing larger is safe or quick enough.
 */
export function nextBatch(
  steps: readonly MeasuredStep[],
  { target, bytes, seconds }: MeasuringLimits,
): number | undefined {
  const last = steps.at(-1);
  if (!last) return first[0];
  if (last.plots >= Math.max(target, first[1])) return undefined;
  const safe = steps.length < 2 ? first[1] : mostPlots(lineThrough(steps, 'peakBytes'), bytes);
  const quick = steps.length < 2 ? first[1] : mostPlots(lineThrough(steps, 'stepSeconds'), seconds / (leastSteps + 1));
  const next = Math.min(Math.max(target, first[1]), last.plots * mostGrowth, safe, quick);
  return next >= Math.min(target, last.plots * leastGrowth) && next > last.plots ? next : undefined;
}
