import type { Interval } from '../../contract/model.ts';
import { uniforms } from '../models/random.ts';
import { type Scores, score } from './scores.ts';

export type ScoreIntervals = Readonly<Record<keyof Scores, Interval>>;

/** Share of resamples below and above a 95 % interval. */
const tail = 0.025;

/**
 * Each score with the percentile interval of its bootstrap: plots are drawn with repetition, as many as there are. Models that
 * are compared see the same resamples when `seed` and `set` are the same.
 *
 * Efron: Bootstrap methods: another look at the jackknife. Annals of Statistics 7 (1979). https://doi.org/10.1214/aos/1176344552
 *
 * @param set tells sets of plots apart, such as validation and test
 */
export function scoreIntervals(
  targets: ArrayLike<number>,
  predictions: ArrayLike<number>,
  { seed, set, resamples }: { readonly seed: number; readonly set: number; readonly resamples: number },
): ScoreIntervals {
  const plots = targets.length;
  const drawn = Array.from({ length: resamples }, (_, resample) => {
    const draws = uniforms({ seed, use: 'bootstrap', epoch: set, step: resample }, plots);
    return score(
      targets,
      predictions,
      Uint32Array.from(draws, (draw) => Math.floor(draw * plots)),
    );
  });
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
