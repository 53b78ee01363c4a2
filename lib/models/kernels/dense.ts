import type { Tensor } from '@tensorflow/tfjs-node';
import { tensorflowThreads } from '../runtimeClass.ts';
import type { Tf } from '../tensorflow.ts';
import { onGpu } from './oneDnn.ts';
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

/** Rows below which a product is not worth parting: each part reads the whole kernel. */
const leastRows = 32;

/**
 * The gradient in `x`. oneDNN hardly shares a product with a transposed second matrix among its threads: on two, as one product
 * a thread, each of half of the rows, it takes a fifth to a third less time.
 *
 * @param threads of the processor; 1 for a GPU
 */
export function denseInputGradient(
  tf: Tf,
  dy: Tensor,
  kernel: Tensor,
  threads = onGpu(tf) ? 1 : tensorflowThreads(),
): Tensor {
  const [rows, width] = dy.shape as [number, number];
  const parts = partsOf(rows, threads);
  if (parts === 1) return product(tf, dy, kernel, 'b');
  const apart = reshaped(tf, dy, [parts, rows / parts, width]);
  const products = spend(apart, batchProduct(tf, apart, kernel, 'b'));
  return spend(products, reshaped(tf, products, [rows, kernel.shape[0] as number]));
}

/** The most parts of equal size, as many as there are threads at most. */
export function partsOf(rows: number, threads: number): number {
  let parts = Math.max(1, Math.min(threads, Math.floor(rows / leastRows)));
  while (rows % parts !== 0) parts--;
  return parts;
}
