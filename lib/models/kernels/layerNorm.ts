import type { Tensor } from '@tensorflow/tfjs-node';
import type { Tf } from '../tensorflow.ts';
import { binary, mean, product, reshaped, scalar, spend, sumOfRows, unary } from './operations.ts';

/** Added to the variance. As in the paper's vision transformer. */
export const layerNormEpsilon = 1e-6;

export interface LayerNorm {
  /** `[rows, width]` */
  readonly value: Tensor;
  readonly saved: {
    /** The rows before scale and offset, `[rows, width]`. */
    readonly normal: Tensor;
    /** 1 / standard deviation, `[rows, 1]`. */
    readonly inverse: Tensor;
  };
}

/**
 * Layer normalisation: each row of `[rows, width]` to mean 0 and variance 1, times `scale` plus `offset`, both `[width]`.
 *
 * Ba, Kiros, Hinton: Layer normalization. 2016. https://arxiv.org/abs/1607.06450
 */
export function layerNorm(tf: Tf, x: Tensor, scale: Tensor, offset: Tensor): LayerNorm {
  const center = mean(tf, x, 1, 'keep');
  const centered = spend(center, binary(tf, 'Sub', x, center));
  const squares = unary(tf, 'Square', centered);
  const variance = spend(squares, mean(tf, squares, 1, 'keep'));
  const shifted = spend(variance, binary(tf, 'AddV2', variance, scalar(tf, layerNormEpsilon)));
  const inverse = spend(shifted, unary(tf, 'Rsqrt', shifted));
  const normal = spend(centered, binary(tf, 'Mul', centered, inverse));
  const scaled = binary(tf, 'Mul', normal, scale);
  return { value: spend(scaled, binary(tf, 'AddV2', scaled, offset)), saved: { normal, inverse } };
}

export interface LayerNormGradient {
  readonly x: Tensor;
  readonly scale: Tensor;
  readonly offset: Tensor;
}

/** Means over a row are products with a column: dy times scale need not be summed again. Disposes what was saved. */
export function layerNormGradient(
  tf: Tf,
  dy: Tensor,
  { normal, inverse }: LayerNorm['saved'],
  scale: Tensor,
): LayerNormGradient {
  const width = scale.size;
  const share = binary(tf, 'Mul', scale, scalar(tf, 1 / width));
  const column = spend(share, reshaped(tf, share, [width, 1]));
  const along = binary(tf, 'Mul', dy, normal);
  const scaleGradient = sumOfRows(tf, along);
  const meanAlong = spend(along, product(tf, along, column));
  const meanGradient = spend(column, product(tf, dy, column));
  const projection = spend(meanAlong, spend(normal, binary(tf, 'Mul', normal, meanAlong)));
  const scaled = binary(tf, 'Mul', dy, scale);
  const across = spend(scaled, spend(projection, binary(tf, 'Sub', scaled, projection)));
  const centered = spend(across, spend(meanGradient, binary(tf, 'Sub', across, meanGradient)));
  const x = spend(centered, spend(inverse, binary(tf, 'Mul', centered, inverse)));
  return { x, scale: scaleGradient, offset: sumOfRows(tf, dy) };
}
