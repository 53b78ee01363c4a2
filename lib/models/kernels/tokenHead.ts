import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-node';
import type { Tf } from '../tensorflow.ts';
import { dense, denseGradient, denseInputGradient } from './dense.ts';
import { differentiable } from './differentiable.ts';
import { layerNorm, layerNormGradient } from './layerNorm.ts';
import { binary, constant, mean, reshaped, spend } from './operations.ts';

/** Of the layer normalisation, `[width]`. */
export interface NormWeights {
  readonly scale: Tensor;
  readonly offset: Tensor;
}

export interface HeadWeights extends NormWeights {
  /** `[width, 1]` and `[1]` */
  readonly kernel: Tensor;
  readonly bias: Tensor;
}

/** One number a plot: dense(layerNorm(mean over tokens)); `[plots * tokens, width]` to `[plots]`. */
export function tokenHead(tf: Tf, x: Tensor2D, tokens: number, weights: HeadWeights): Tensor1D {
  const { scale, offset, kernel, bias } = weights;
  const width = x.shape[1];
  const plots = x.shape[0] / tokens;
  return differentiable(tf, [x, scale, offset, kernel, bias], {
    forward() {
      const norm = normalizedMean(tf, x, tokens, weights);
      const column = dense(tf, norm.value, kernel, bias);
      return { value: spend(column, reshaped(tf, column, [plots])), saved: norm };
    },
    backward(dy, norm) {
      const column = reshaped(tf, dy, [plots, 1]);
      const head = denseGradient(tf, column, norm.value);
      norm.value.dispose();
      const dNorm = spend(column, denseInputGradient(tf, column, kernel));
      const into = spend(dNorm, layerNormGradient(tf, dNorm, norm.saved, scale));
      const byPlot = spend(into.x, reshaped(tf, into.x, [plots, 1, width]));
      const shares = constant(tf, `shares/${tokens}`, () => tf.fill([1, tokens, 1], 1 / tokens));
      const spread = spend(byPlot, binary(tf, 'Mul', byPlot, shares));
      const dx = spend(spread, reshaped(tf, spread, [plots * tokens, width]));
      return [dx, into.scale, into.offset, head.kernel, head.bias];
    },
  });
}

/** What the head's dense layer sees, `[plots, width]`; without a gradient. */
export function tokenFeatures(tf: Tf, x: Tensor2D, tokens: number, weights: NormWeights): Tensor2D {
  const { value, saved } = normalizedMean(tf, x, tokens, weights);
  tf.dispose(saved);
  return value as Tensor2D;
}

/** layerNorm(mean over tokens) */
function normalizedMean(tf: Tf, x: Tensor2D, tokens: number, { scale, offset }: NormWeights) {
  const byPlot = reshaped(tf, x, [x.shape[0] / tokens, tokens, x.shape[1]]);
  const pooled = spend(byPlot, mean(tf, byPlot, 1, 'drop'));
  return spend(pooled, layerNorm(tf, pooled, scale, offset));
}
