import type { Tensor } from '@tensorflow/tfjs-node';
import type { Tf } from '../tensorflow.ts';
import { binary, scalar, spend, unary } from './operations.ts';

export interface Gelu {
  /** Of x's shape. */
  readonly value: Tensor;
  readonly saved: {
    /** x / sqrt(2) */
    readonly ratio: Tensor;
    /** (1 + erf(x / sqrt(2))) / 2, the normal distribution at x. */
    readonly share: Tensor;
  };
}

/**
 * x times the standard normal distribution at x. The exact one, by the error function.
 *
 * Hendrycks, Gimpel: Gaussian error linear units. 2016. https://arxiv.org/abs/1606.08415
 */
export function gelu(tf: Tf, x: Tensor): Gelu {
  const ratio = binary(tf, 'Mul', x, scalar(tf, Math.SQRT1_2));
  const error = unary(tf, 'Erf', ratio);
  const twice = spend(error, binary(tf, 'AddV2', error, scalar(tf, 1)));
  const share = spend(twice, binary(tf, 'Mul', twice, scalar(tf, 0.5)));
  return { value: binary(tf, 'Mul', x, share), saved: { ratio, share } };
}

/**
 * With r = x / sqrt(2): (1 + erf r) / 2 + r exp(-r²) / sqrt(pi), times dy; the factor goes into the exponent, where it costs
 * nothing. Disposes what was saved.
 */
export function geluGradient(tf: Tf, dy: Tensor, { ratio, share }: Gelu['saved']): Tensor {
  const square = unary(tf, 'Square', ratio);
  const exponent = spend(square, binary(tf, 'Sub', scalar(tf, -Math.log(Math.PI) / 2), square));
  const bell = spend(exponent, unary(tf, 'Exp', exponent));
  const slope = spend(ratio, spend(bell, binary(tf, 'Mul', ratio, bell)));
  const both = spend(slope, spend(share, binary(tf, 'AddV2', slope, share)));
  return spend(both, binary(tf, 'Mul', both, dy));
}
