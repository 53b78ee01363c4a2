import type { Tensor, Tensor4D } from '@tensorflow/tfjs-node';
import type { Tf } from '../tensorflow.ts';
import { differentiable } from './differentiable.ts';
import { type Attributes, execute } from './execute.ts';
import {
  concatenated,
  integers,
  only,
  padded,
  permuted,
  product,
  reshaped,
  sliced,
  spend,
  total,
} from './operations.ts';

const valid: Attributes = {
  T: { type: 'float32' },
  strides: { int: [1, 1, 1, 1] },
  padding: { string: 'VALID' },
  data_format: { string: 'NHWC' },
  use_cudnn_on_gpu: { bool: true },
  dilations: { int: [1, 1, 1, 1] },
};

/**
 * Channels from which on the filters' gradient is taken by {@link filterGradient}. With 128 it takes 20 % less time than
 * TensorFlow's own; with 4, matrices of 4 rows are no work for a matrix product.
 */
const leastChannels = 32;

/** Pixels whose products are taken at once: with 128 channels, what they read stays in the processor's cache. */
const chunkPixels = 8192;

/** Chunks' products in memory at once: those of large filters are tens of megabytes each. */
const mostParts = 8;

/**
 * Convolution with stride 1 and no padding. The gradient in `x` is taken when `x` is one of the tape's.
 *
 * @param x `[plots, height, width, channels]`
 * @param filters `[size, size, channels, filters]`
 * @param inputGradient false for pixels, which need none
 * @returns `[plots, height - size + 1, width - size + 1, filters]`
 */
export function convolution(tf: Tf, x: Tensor4D, filters: Tensor4D, inputGradient = true): Tensor4D {
  const inputs = inputGradient ? [filters, x] : [filters];
  return differentiable(tf, inputs, {
    forward: () => ({ value: only(execute(tf, 'Conv2D', [x, filters], valid, 1)), saved: { x } }),
    backward(dy, { x: saved }) {
      const gradient =
        x.shape[3] >= leastChannels
          ? filterGradient(tf, dy as Tensor4D, saved, filters.shape[0])
          : only(execute(tf, 'Conv2DBackpropFilter', [saved, integers(tf, filters.shape), dy], valid, 1));
      saved.dispose();
      if (!inputGradient) return [gradient];
      return [gradient, only(execute(tf, 'Conv2DBackpropInput', [integers(tf, x.shape), filters, dy], valid, 1))];
    },
  });
}

/**
 * The gradient in the filters, as products of matrices. With all pixels of all plots in one column, a filter's weight at (row,
 * column) meets the pixel that is row * width + column further on. So pixels moved by 0, 1, ... whole rows side by side, times dy
 * moved by 0, 1, ... pixels side by side, are all weights of all filters. Where there is no dy, there are zeros.
 *
 * @param size of the filters, in pixels
 * @param chunk pixels at a time; sums do not depend on the number of threads
 */
export function filterGradient(tf: Tf, dy: Tensor4D, x: Tensor4D, size: number, chunk = chunkPixels): Tensor {
  const [plots, height, width, channels] = x.shape;
  const filters = dy.shape[3];
  const around = size - 1;
  const wide = padded(tf, dy, [[0, 0], [0, around], [around, 0], [0, 0]]); // biome-ignore format: by axis
  const moved = spend(wide, reshaped(tf, wide, [plots * height * width, filters]));
  const pixels = reshaped(tf, x, [plots * height * width, channels]);
  let parts: Tensor[] = [];
  // The last rows of the last plot meet no dy.
  const end = (plots * height - around) * width;
  for (let from = 0; from < end; from += chunk) {
    const count = Math.min(chunk, end - from);
    const rows = beside(tf, size, (row) => sliced(tf, pixels, [from + row * width, 0], [count, channels]));
    const columns = beside(tf, size, (column) => sliced(tf, moved, [from + around - column, 0], [count, filters]));
    parts.push(spend(rows, spend(columns, product(tf, rows, columns, 'a'))));
    if (parts.length === mostParts) parts = [summed(tf, parts)];
  }
  tf.dispose([moved, pixels]);
  const all = summed(tf, parts);
  const apart = spend(all, reshaped(tf, all, [size, channels, size, filters]));
  return spend(apart, permuted(tf, apart, [0, 2, 1, 3]));
}

function summed(tf: Tf, parts: readonly Tensor[]): Tensor {
  const sum = total(tf, parts);
  tf.dispose([...parts]);
  return sum;
}

function beside(tf: Tf, count: number, make: (index: number) => Tensor): Tensor {
  const parts = Array.from({ length: count }, (_, index) => make(index));
  const joined = count === 1 ? (parts[0] as Tensor).clone() : concatenated(tf, parts, 1);
  tf.dispose(parts);
  return joined;
}
