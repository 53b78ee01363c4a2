import type { Tensor1D, Tensor4D } from '@tensorflow/tfjs-node';
import type { Tf } from '../tensorflow.ts';
import { type Attribute, execute } from './execute.ts';

/** Added to the variance. As in Keras. */
const epsilon = 1e-3;

const layout: Readonly<Record<string, Attribute>> = {
  T: { type: 'float32' },
  U: { type: 'float32' },
  data_format: { string: 'NHWC' },
  epsilon: { float: epsilon },
};

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
 * Ioffe, Szegedy: Batch normalization. ICML 2015. https://arxiv.org/abs/1502.03167
 */
export function normalizeBatch(tf: Tf, x: Tensor4D, scale: Tensor1D, offset: Tensor1D): NormalizedBatch {
  const statistics: Tensor1D[] = [];
  const operation = tf.customGrad((...parameters) => {
    const [input, gain, shift, save] = parameters as unknown as [
      Tensor4D,
      Tensor1D,
      Tensor1D,
      (tensors: unknown[]) => void,
    ];
    const none = tf.tensor1d([]);
    const outputs = execute(
      tf,
      'FusedBatchNormV3',
      [input, gain, shift, none, none],
      { ...layout, is_training: { bool: true }, exponential_avg_factor: { float: 1 } },
      6,
    );
    const [value, mean, variance, ...reserved] = outputs as [
      Tensor4D,
      Tensor1D,
      Tensor1D,
      Tensor1D,
      Tensor1D,
      Tensor1D,
    ];
    save([input, gain, ...reserved]);
    statistics.push(tf.keep(mean), tf.keep(variance));
    const gradFunc = (dy: unknown, saved: unknown) => {
      const [x0, gain0, reserve1, reserve2, reserve3] = saved as [Tensor4D, Tensor1D, Tensor1D, Tensor1D, Tensor1D];
      return execute(
        tf,
        'FusedBatchNormGradV3',
        [dy as Tensor4D, x0, gain0, reserve1, reserve2, reserve3],
        { ...layout, is_training: { bool: true } },
        5,
      ).slice(0, 3);
    };
    return { value, gradFunc } as never;
  });
  const value = operation(x, scale, offset) as Tensor4D;
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
