import type { Tensor, Tensor1D, Tensor4D } from '@tensorflow/tfjs-node';
import type { Tf } from '../tensorflow.ts';
import { differentiable } from './differentiable.ts';
import { type Attributes, execute } from './execute.ts';
import { byOneDnn, hasOneDnn } from './oneDnn.ts';
import { binary, spend } from './operations.ts';
import { relu } from './relu.ts';

/** Added to the variance. As in Keras. */
const epsilon = 1e-3;

const layout: Attributes = {
  T: { type: 'float32' },
  U: { type: 'float32' },
  data_format: { string: 'NHWC' },
  epsilon: { float: epsilon },
};

const training: Attributes = { ...layout, is_training: { bool: true } };
const once: Attributes = { ...training, exponential_avg_factor: { float: 1 } };
const alone = ['FusedBatchNormV3', once] as const;
const withRelu = [
  '_MklNativeFusedBatchNormEx',
  { ...once, ...byOneDnn, num_side_inputs: { int: 0 }, activation_mode: { string: 'Relu' } },
] as const;

/** Value, mean, unbiased variance, then what the gradient takes. */
type Outputs = [Tensor4D, Tensor1D, Tensor1D, Tensor1D, Tensor1D, Tensor1D];

interface Saved {
  readonly x: Tensor;
  /** What TensorFlow hands from the value to its gradient: by number, as `Object.values` gives it back. */
  readonly reserved: object;
  /** The value, where ReLU is in it. */
  readonly active?: Tensor;
}

export interface NormalizedBatch {
  /** `[plots, height, width, channels]` */
  readonly value: Tensor4D;
  /** Of this batch, `[channels]`; the caller's to dispose. */
  readonly mean: Tensor1D;
  /** Of this batch, unbiased (divided by n - 1), `[channels]`; the caller's to dispose. */
  readonly variance: Tensor1D;
}

/**
 * Batch normalisation by the batch's own statistics, `(x - mean) / sqrt(variance + 0.001) * scale + offset`, a channel at a
 * time, as TensorFlow's `FusedBatchNormV3` with `FusedBatchNormGradV3` as its gradient. The value is normalised by the biased
 * variance, divided by n; what is given back for moving averages is the unbiased one.
 *
 * ReLU behind it costs no pass of its own, where the library is with oneDNN: what lies between the two is never written.
 *
 * Ioffe, Szegedy: Batch normalization. ICML 2015. https://arxiv.org/abs/1502.03167
 */
export function normalizeBatch(
  tf: Tf,
  x: Tensor4D,
  scale: Tensor1D,
  offset: Tensor1D,
  activation?: 'relu',
  oneDnn = hasOneDnn(tf),
): NormalizedBatch {
  if (activation && !oneDnn) {
    const { value, mean, variance } = normalizeBatch(tf, x, scale, offset);
    return { value: spend(value, relu(tf, value)), mean, variance };
  }
  const statistics: Tensor1D[] = [];
  const value = differentiable<Tensor4D, Saved>(tf, [x, scale, offset], {
    forward() {
      const none = tf.tensor1d([]);
      const [operation, attributes] = activation ? withRelu : alone;
      const outputs = execute(tf, operation, [x, scale, offset, none, none], attributes, 6);
      none.dispose();
      const [value, mean, variance, ...reserved] = outputs as Outputs;
      statistics.push(tf.keep(mean), tf.keep(variance));
      return { value, saved: { x, reserved, ...(activation && { active: value }) } };
    },
    backward(dy, { x: saved, reserved, active }) {
      const through = active ? binary(tf, 'ReluGrad', dy, active) : dy;
      active?.dispose();
      const inputs = [through, saved, scale, ...Object.values(reserved)];
      const gradients = execute(tf, 'FusedBatchNormGradV3', inputs, training, 5);
      tf.dispose(gradients.slice(3));
      if (active) through.dispose();
      return gradients.slice(0, 3);
    },
  });
  const [mean, variance] = statistics as [Tensor1D, Tensor1D];
  return { value, mean, variance };
}

/** The same by given statistics, for prediction: no gradient. */
export function normalizeBy(
  tf: Tf,
  x: Tensor4D,
  scale: Tensor1D,
  offset: Tensor1D,
  mean: Tensor1D,
  variance: Tensor1D,
): Tensor4D {
  return tf.tidy(() => {
    const [value] = execute(
      tf,
      'FusedBatchNormV3',
      [x, scale, offset, mean, variance],
      { ...layout, is_training: { bool: false }, exponential_avg_factor: { float: 1 } },
      6,
    );
    return value as Tensor4D;
  });
}
