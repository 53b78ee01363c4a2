import type { Tensor, Tensor2D } from '@tensorflow/tfjs-node';
import type { Tf } from '../tensorflow.ts';
import { type AttentionShape, attention, attentionGradient } from './attention.ts';
import { dense, denseGradient, denseInputGradient } from './dense.ts';
import { differentiable } from './differentiable.ts';
import { masked } from './dropout.ts';
import { layerNorm, layerNormGradient } from './layerNorm.ts';
import { binary, spend } from './operations.ts';

export interface AttentionWeights {
  /** Of the layer normalisation, `[width]`. */
  readonly scale: Tensor;
  readonly offset: Tensor;
  /** To queries, keys and values, `[width, 3 * width]` and `[3 * width]`. */
  readonly kernel: Tensor;
  readonly bias: Tensor;
  /** Behind the attention, `[width, width]` and `[width]`. */
  readonly outKernel: Tensor;
  readonly outBias: Tensor;
}

/**
 * x + dropout(projection(attention(layerNorm(x)))), `[rows, width]` to the same, as one operation on the tape.
 *
 * @param mask of dropout, `[rows, width]`
 */
export function attentionBlock(
  tf: Tf,
  x: Tensor2D,
  weights: AttentionWeights,
  shape: AttentionShape,
  mask?: Tensor,
): Tensor2D {
  const { scale, offset, kernel, bias, outKernel, outBias } = weights;
  return differentiable(tf, [x, scale, offset, kernel, bias, outKernel, outBias], {
    forward() {
      const norm = layerNorm(tf, x, scale, offset);
      const projected = dense(tf, norm.value, kernel, bias);
      const attended = spend(projected, attention(tf, projected, shape));
      const branch = masked(tf, dense(tf, attended.value, outKernel, outBias), mask);
      return { value: spend(branch, binary(tf, 'AddV2', x, branch)), saved: { norm, attended, mask } };
    },
    backward(dy, { norm, attended, mask }) {
      const dBranch = masked(tf, dy.clone(), mask);
      mask?.dispose();
      const out = denseGradient(tf, dBranch, attended.value);
      attended.value.dispose();
      const dAttended = spend(dBranch, denseInputGradient(tf, dBranch, outKernel));
      const dProjected = spend(dAttended, attentionGradient(tf, dAttended, attended.saved, shape));
      const projection = denseGradient(tf, dProjected, norm.value);
      norm.value.dispose();
      const dNorm = spend(dProjected, denseInputGradient(tf, dProjected, kernel));
      const into = spend(dNorm, layerNormGradient(tf, dNorm, norm.saved, scale));
      const dx = spend(into.x, binary(tf, 'AddV2', into.x, dy));
      return [dx, into.scale, into.offset, projection.kernel, projection.bias, out.kernel, out.bias];
    },
  });
}
