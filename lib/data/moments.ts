/** Mean and spread of a channel, taken plot by plot and joined in a fixed order, so that no plot is held and the sum is exact. */
export interface Moments {
  readonly count: number;
  readonly mean: number;
  /** Sum of squared distances from the mean. */
  readonly squares: number;
}

export const noMoments: Moments = { count: 0, mean: 0, squares: 0 };

/** The moments of every `stride`-th value from `offset`, without NaN: two passes, so that a large mean costs no digits. */
export function momentsOf(values: Float32Array, offset: number, stride: number): Moments {
  let count = 0;
  let sum = 0;
  for (let at = offset; at < values.length; at += stride) {
    const value = values[at] as number;
    if (Number.isNaN(value)) continue;
    count++;
    sum += value;
  }
  if (count === 0) return noMoments;
  const mean = sum / count;
  let squares = 0;
  for (let at = offset; at < values.length; at += stride) {
    const value = values[at] as number;
    if (!Number.isNaN(value)) squares += (value - mean) ** 2;
  }
  return { count, mean, squares };
}

/** Chan, Golub and LeVeque 1983, The American Statistician 37, 242-247: the moments of two sets together. */
export function joinMoments(a: Moments, b: Moments): Moments {
  if (a.count === 0) return b;
  if (b.count === 0) return a;
  const count = a.count + b.count;
  const apart = b.mean - a.mean;
  return {
    count,
    mean: a.mean + (apart * b.count) / count,
    squares: a.squares + b.squares + (apart ** 2 * a.count * b.count) / count,
  };
}

/** The standard deviation of the values themselves; 1 for a channel that does not vary, since it is divided by. */
export function deviation({ count, squares }: Moments): number {
  return count > 0 && squares > 0 ? Math.sqrt(squares / count) : 1;
}
