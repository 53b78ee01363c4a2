/** What a bench says of repeated measurements. */

export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
  readonly count: number;
}

/** The middle value; the mean of the two middle ones where the count is even. NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const above = sorted[Math.floor(middle)] ?? Number.NaN;
  return Number.isInteger(middle) ? ((sorted[middle - 1] ?? Number.NaN) + above) / 2 : above;
}

/** The median with the quarter of the values below and the quarter above it cut off: what a busy moment does not reach. */
export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const cut = Math.floor(sorted.length / 4);
  return {
    median: median(sorted),
    least: sorted[cut] ?? Number.NaN,
    most: sorted[sorted.length - 1 - cut] ?? Number.NaN,
    count: sorted.length,
  };
}

/**
 * How many times as fast `ours` is as `theirs`, of milliseconds by round: each round's medians are compared with each other, as
 * a machine that others use is not equally fast from round to round.
 */
export function ratioByRounds(ours: readonly (readonly number[])[], theirs: readonly (readonly number[])[]): Spread {
  return spread(ours.map((round, index) => median(theirs[index] ?? []) / median(round)));
}

/** Of numbers that should be the same, how far apart they are at most, as a share of the larger. */
export function largestRelativeDifference(a: readonly number[], b: readonly number[]): number {
  if (a.length !== b.length) throw new RangeError(`Expected as many numbers, got ${a.length} and ${b.length}`);
  return Math.max(
    ...a.map((value, index) => {
      const other = b[index] as number;
      return Math.abs(value - other) / (Math.max(Math.abs(value), Math.abs(other)) || 1);
    }),
  );
}
