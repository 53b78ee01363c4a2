import type { Tensor, Tensor2D, Tensor4D } from '@tensorflow/tfjs-node';
import type { Tf } from '../tensorflow.ts';
import { dense, denseGradient } from './dense.ts';
import { differentiable } from './differentiable.ts';
import { masked } from './dropout.ts';
import { binary, padded, permuted, reshaped, sliced, spend, sumOfRows } from './operations.ts';

export interface EmbeddingWeights {
  /** `[patch height * patch width * channels, width]` and `[width]` */
  readonly kernel: Tensor;
  readonly bias: Tensor;
  /** The class token, `[width]`. */
  readonly token: Tensor;
  /** `[patches + 1, width]`, the class token's first. */
  readonly positions: Tensor;
}

/**
 * Patches, each as one row of pixels, times the kernel; the class token before each plot's; positions added; dropout.
 * No gradient in `x`.
 *
 * @param x `[plots, height, width, channels]`, whole patches
 * @param mask of dropout, `[plots * (patches + 1), width]`
 * @returns `[plots * (patches + 1), width]`
 */
export function patchEmbedding(
  tf: Tf,
  x: Tensor4D,
  [patchHeight, patchWidth]: readonly [number, number],
  weights: EmbeddingWeights,
  mask?: Tensor,
): Tensor2D {
  const { kernel, bias, token, positions } = weights;
  const [plots, height, width, channels] = x.shape;
  const patches = (height / patchHeight) * (width / patchWidth);
  const depth = kernel.shape[1] as number;
  const rows = plots * (patches + 1);
  return differentiable(tf, [kernel, bias, token, positions], {
    forward() {
      const apart = reshaped(tf, x, [
        plots,
        height / patchHeight,
        patchHeight,
        width / patchWidth,
        patchWidth * channels,
      ]);
      const together = spend(apart, permuted(tf, apart, [0, 1, 3, 2, 4]));
      const pixels = spend(together, reshaped(tf, together, [plots * patches, patchHeight * patchWidth * channels]));
      const embedded = dense(tf, pixels, kernel, bias);
      const byPlot = spend(embedded, reshaped(tf, embedded, [plots, patches, depth]));
      const behind = spend(byPlot, padded(tf, byPlot, [[0, 0], [1, 0], [0, 0]])); // biome-ignore format: by axis
      const row = reshaped(tf, token, [1, depth]);
      const first = spend(row, padded(tf, row, [[0, patches], [0, 0]])); // biome-ignore format: by axis
      const added = spend(first, binary(tf, 'AddV2', positions, first));
      const placed = spend(behind, spend(added, binary(tf, 'AddV2', behind, added)));
      const tokens = spend(placed, reshaped(tf, placed, [rows, depth]));
      return { value: masked(tf, tokens, mask), saved: { pixels, mask } };
    },
    backward(dy, { pixels, mask }) {
      const dTokens = masked(tf, dy.clone(), mask);
      mask?.dispose();
      const byPlace = reshaped(tf, dTokens, [plots, (patches + 1) * depth]);
      const summed = spend(byPlace, sumOfRows(tf, byPlace));
      const dPositions = spend(summed, reshaped(tf, summed, [patches + 1, depth]));
      const first = sliced(tf, dPositions, [0, 0], [1, depth]);
      const dToken = spend(first, reshaped(tf, first, [depth]));
      const byPlot = spend(dTokens, reshaped(tf, dTokens, [plots, patches + 1, depth]));
      const behind = spend(byPlot, sliced(tf, byPlot, [0, 1, 0], [plots, patches, depth]));
      const dEmbedded = spend(behind, reshaped(tf, behind, [plots * patches, depth]));
      const embedding = spend(dEmbedded, denseGradient(tf, dEmbedded, pixels));
      return [embedding.kernel, embedding.bias, dToken, dPositions];
    },
  });
}
