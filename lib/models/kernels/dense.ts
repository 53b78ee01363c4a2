import type { Tensor } from '@tensorflow/tfjs-node';
import { tensorflowThreads } from '../runtimeClass.ts';
import type { Tf } from '../tensorflow.ts';
import { addBias, batchProduct, product, reshaped, spend, sumOfRows } from './operations.ts';

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

/**
 * The gradient in `x`. oneDNN hardly shares a product with a transposed second matrix among its threads: as one product a thread,
 * each of some of the rows, it takes a quarter to a half less time.
 */
export function denseInputGradient(tf: Tf, dy: Tensor, kernel: Tensor): Tensor {
  const [rows, width] = dy.shape as [number, number];
  const parts = tensorflowThreads();
  if (parts === 1 || rows % parts !== 0) return product(tf, dy, kernel, 'b');
  const apart = reshaped(tf, dy, [parts, rows / parts, width]);
  const products = spend(apart, batchProduct(tf, apart, kernel, 'b'));
  return spend(products, reshaped(tf, products, [rows, kernel.shape[0] as number]));
}
