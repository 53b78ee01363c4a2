/** Batch normalisation as a layer: by the batch when training, by moving averages when predicting. */
import type { Tensor1D, Tensor4D } from '@tensorflow/tfjs-node';
import { normalizeBatch, normalizeBy } from '../kernels/batchNorm.ts';
import { spend } from '../kernels/operations.ts';
import { relu } from '../kernels/relu.ts';
import type { ForwardPass, WeightPlan } from './network.ts';

/** Share of the old average that a step keeps, once there were enough steps for an average at all. */
const momentum = 0.9;

export function movingNormPlan(name: string, channels: number): readonly WeightPlan[] {
  const shape = [channels];
  return [
    { name: `${name}/scale`, shape, initial: 'ones', trainable: true },
    { name: `${name}/offset`, shape, initial: 'zeros', trainable: true },
    { name: `${name}/mean`, shape, initial: 'zeros', trainable: false },
    { name: `${name}/variance`, shape, initial: 'ones', trainable: false },
  ];
}

/**
 * `[plots, height, width, channels]` to the same, with ReLU behind it if asked for.
 *
 * The first steps are averaged evenly (step t keeps 1 - 1/t, until that is more than {@link momentum}): a run of a hundred
 * steps would otherwise still predict with a part of the zeros and ones it started from. The variance that is averaged is
 * unbiased, as in PyTorch.
 */
export function movingNorm(
  { tf, weight, training }: ForwardPass,
  name: string,
  x: Tensor4D,
  activation?: 'relu',
): Tensor4D {
  const scale = weight<Tensor1D>(`${name}/scale`);
  const offset = weight<Tensor1D>(`${name}/offset`);
  const movingMean = weight<Tensor1D>(`${name}/mean`);
  const movingVariance = weight<Tensor1D>(`${name}/variance`);
  if (!training) {
    const value = normalizeBy(tf, x, scale, offset, movingMean, movingVariance);
    return activation ? spend(value, relu(tf, value)) : value;
  }
  const { value, mean, variance } = normalizeBatch(tf, x, scale, offset, activation);
  const kept = Math.min(momentum, 1 - 1 / (training.step + 1));
  training.assign(`${name}/mean`, movingMean.mul(kept).add(mean.mul(1 - kept)));
  training.assign(`${name}/variance`, movingVariance.mul(kept).add(variance.mul(1 - kept)));
  tf.dispose([mean, variance]);
  return value;
}
