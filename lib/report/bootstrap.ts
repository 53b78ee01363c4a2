import { setImmediate } from 'node:timers/promises';
import type { Interval } from '../../contract/model.ts';
import { uniforms } from '../models/random.ts';
import { type Scores, score } from './scores.ts';

export type ScoreIntervals = Readonly<Record<keyof Scores, Interval>>;

export interface Resampling {
  readonly seed: number;
  readonly resamples: number;
  readonly signal?: AbortSignal | undefined;
}

/** Share of resamples below and above a 95 % interval. */
const tail = 0.025;
/** Milliseconds that resampling may keep the process to itself: heartbeats and cancellation of everything in it wait that long. */
const turn = 50;

/**
 * Each score with the percentile interval of its bootstrap: plots are drawn with repetition, as many as there are. Models that
 * are compared see the same resamples when `seed` and `set` are the same.
 *
 * Efron: Bootstrap methods: another look at the jackknife. Annals of Statistics 7 (1979). https://doi.org/10.1214/aos/1176344552
 *
 * @param set tells sets of plots apart, such as validation and test
 * @throws the signal's reason once it is aborted
 */
export async function scoreIntervals(
  targets: ArrayLike<number>,
  predictions: ArrayLike<number>,
  { seed, set, resamples, signal }: Resampling & { readonly set: number },
): Promise<ScoreIntervals> {
  const plots = targets.length;
  const drawn: Scores[] = [];
  let since = performance.now();
  for (let resample = 0; resample < resamples; resample++) {
    if (performance.now() - since > turn) {
      await setImmediate();
      signal?.throwIfAborted();
      since = performance.now();
    }
    const draws = uniforms({ seed, use: 'bootstrap', epoch: set, step: resample }, plots);
    const chosen = Uint32Array.from(draws, (draw) => Math.floor(draw * plots));
    drawn.push(score(targets, predictions, chosen));
  }
  const whole = score(targets, predictions);
  const interval = (name: keyof Scores): Interval => {
    const sorted = drawn.map((scores) => scores[name]).sort((a, b) => a - b);
    return { value: whole[name], low: quantile(sorted, tail), high: quantile(sorted, 1 - tail) };
  };
  return { mae: interval('mae'), rmse: interval('rmse'), r2: interval('r2'), bias: interval('bias') };
}

/** Linear between neighbours (type 7 of Hyndman and Fan 1996, the default of R and NumPy). */
export function quantile(sorted: readonly number[], share: number): number {
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)] as number;
  const above = sorted[Math.ceil(place)] as number;
  return below + (above - below) * (place - Math.floor(place));
}
