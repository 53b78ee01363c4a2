import type { Tensor } from '@tensorflow/tfjs-node';
import type { Tf } from '../tensorflow.ts';
import { binary, scalar, spend, unary } from './operations.ts';

export interface Gelu {
  /** Of x's shape. */
  readonly value: Tensor;
  readonly saved: {
    /** x / sqrt(2) */
    readonly ratio: Tensor;
    /** 1 + erf(x / sqrt(2)), twice the normal distribution at x. */
    readonly twice: Tensor;
  };
}

/**
 * x times the standard normal distribution at x, times `times`: a factor that comes after it, such as dropout's, costs nothing
 * here. The exact one, by the error function.
 *
 * Hendrycks, Gimpel: Gaussian error linear units. 2016. https://arxiv.org/abs/1606.08415
 */
export function gelu(tf: Tf, x: Tensor, times = 1): Gelu {
  const ratio = binary(tf, 'Mul', x, scalar(tf, Math.SQRT1_2));
  const error = unary(tf, 'Erf', ratio);
  const twice = spend(error, binary(tf, 'AddV2', error, scalar(tf, 1)));
  const half = binary(tf, 'Mul', ratio, scalar(tf, times * Math.SQRT1_2));
  return { value: spend(half, binary(tf, 'Mul', half, twice)), saved: { ratio, twice } };
}

/** With r = x / sqrt(2): (1 + erf r) / 2 + r exp(-r²) / sqrt(pi), times dy. Disposes what was saved. */
export function geluGradient(tf: Tf, dy: Tensor, { ratio, twice }: Gelu['saved'], times = 1): Tensor {
  const square = unary(tf, 'Square', ratio);
  const negative = spend(square, unary(tf, 'Neg', square));
  const bell = spend(negative, unary(tf, 'Exp', negative));
  const slope = spend(ratio, spend(bell, binary(tf, 'Mul', ratio, bell)));
  // Both terms by half of `times`: once, in the end.
  const weighted = spend(slope, binary(tf, 'Mul', slope, scalar(tf, 2 / Math.sqrt(Math.PI))));
  const both = spend(weighted, spend(twice, binary(tf, 'AddV2', weighted, twice)));
  const product = spend(both, binary(tf, 'Mul', both, dy));
  return spend(product, binary(tf, 'Mul', product, scalar(tf, times / 2)));
}
