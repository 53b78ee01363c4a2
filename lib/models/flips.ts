import type { Tensor4D } from '@tensorflow/tfjs-node';
import type { Tf } from './tensorflow.ts';

/** The axes that a plot is mirrored along: as it is, down, across, both (half a turn). */
const mirrored = [[], [1], [2], [1, 2]] as const;

/**
 * Predicts plots, or the mean over each plot, its mirror images and itself upside down: a field has no top.
 *
 * @param x `[plots, height, width, channels]`
 * @param predict gives `[plots]`
 */
export function predictFlipped(
  tf: Tf,
  x: Tensor4D,
  testFlips: boolean,
  predict: (x: Tensor4D) => Float32Array,
): Float32Array {
  if (!testFlips) return predict(x);
  const sum = new Float64Array(x.shape[0]);
  for (const axes of mirrored) {
    const flipped = axes.length === 0 ? x : tf.reverse(x, [...axes]);
    try {
      for (const [plot, value] of predict(flipped).entries()) sum[plot] = (sum[plot] as number) + value;
    } finally {
      if (flipped !== x) flipped.dispose();
    }
  }
  return Float32Array.from(sum, (value) => value / mirrored.length);
}
