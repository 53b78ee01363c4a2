import type { Tensor } from '@tensorflow/tfjs-node';
import type { Tf } from '../tensorflow.ts';
import { addBias, product, spend, sumOfRows } from './operations.ts';

/** `x` `[rows, in]` times `kernel` `[in, out]` plus `bias` `[out]`, to `[rows, out]`. Rows in two axes would be products one by one, and in tfjs a wrong gradient. */
export function dense(tf: Tf, x: Tensor, kernel: Tensor, bias: Tensor): Tensor {
  const products = product(tf, x, kernel);
  return spend(products, addBias(tf, products, bias));
}

export interface DenseGradient {
  /** `[in, out]` */
  readonly kernel: Tensor;
  /** `[out]` */
  readonly bias: Tensor;
}

export function denseGradient(tf: Tf, dy: Tensor, x: Tensor): DenseGradient {
  return { kernel: product(tf, x, dy, 'a'), bias: sumOfRows(tf, dy) };
}

/** The gradient in `x`. */
export function denseInputGradient(tf: Tf, dy: Tensor, kernel: Tensor): Tensor {
  return product(tf, dy, kernel, 'b');
}
