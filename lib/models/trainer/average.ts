import type { Scalar } from '@tensorflow/tfjs-node';
import type { Tf } from '../tensorflow.ts';
import type { ResourceVariable } from './resourceVariable.ts';

/**
 * What a moving average of weights keeps of itself at a step: `averaging`, but less at first, so that it does not hang on to the
 * weights before training.
 *
 * https://www.tensorflow.org/api_docs/python/tf/train/ExponentialMovingAverage (`num_updates`)
 *
 * @param step steps finished before this one
 */
export function averagingShare(averaging: number, step: number): number {
  return Math.min(averaging, (1 + step) / (10 + step));
}

/**
 * `average -= (1 - share) * (average - weight)`: in this form a weight that stands still is met exactly.
 *
 * Polyak, Juditsky: Acceleration of stochastic approximation by averaging. SIAM J. Control and Optimization 30, 1992.
 */
export function moveAverage(
  tf: Tf,
  average: ResourceVariable,
  weight: ResourceVariable,
  share: number,
  scalar: (value: number) => Scalar,
): void {
  const [before, now] = [average.read(), weight.read()];
  const difference = tf.sub(before, now);
  tf.dispose([before, now]);
  average.apply('ResourceApplyGradientDescent', [], [scalar(1 - share), difference]);
  difference.dispose();
}
