import type { Tensor, Tensor2D } from '@tensorflow/tfjs-node';
import type { Tf } from '../tensorflow.ts';
import { dense, denseGradient, denseInputGradient } from './dense.ts';
import { differentiable } from './differentiable.ts';
import { masked } from './dropout.ts';
import { gelu, geluGradient } from './gelu.ts';
import { layerNorm, layerNormGradient } from './layerNorm.ts';
import { binary, spend } from './operations.ts';

export interface MlpWeights {
  /** Of the layer normalisation, `[width]`. */
  readonly scale: Tensor;
  readonly offset: Tensor;
  /** `[width, hidden]` and `[hidden]` */
  readonly upKernel: Tensor;
  readonly upBias: Tensor;
  /** `[hidden, width]` and `[width]` */
  readonly downKernel: Tensor;
  readonly downBias: Tensor;
}

/**
 * x + dropout(down(dropout(gelu(up(layerNorm(x)))))), `[rows, width]` to the same, as one operation on the tape.
 *
 * @param masks of dropout: `[rows, hidden]` behind gelu, `[rows, width]` at the end
 */
export function mlpBlock(
  tf: Tf,
  x: Tensor2D,
  weights: MlpWeights,
  masks: { readonly inner?: Tensor | undefined; readonly outer?: Tensor | undefined } = {},
): Tensor2D {
  const { scale, offset, upKernel, upBias, downKernel, downBias } = weights;
  return differentiable(tf, [x, scale, offset, upKernel, upBias, downKernel, downBias], {
    forward() {
      const norm = layerNorm(tf, x, scale, offset);
      const up = dense(tf, norm.value, upKernel, upBias);
      const active = spend(up, gelu(tf, up));
      const hidden = masked(tf, active.value, masks.inner);
      const branch = masked(tf, dense(tf, hidden, downKernel, downBias), masks.outer);
      const saved = { norm, active: active.saved, hidden, ...masks };
      return { value: spend(branch, binary(tf, 'AddV2', x, branch)), saved };
    },
    backward(dy, { norm, active, inner, hidden, outer }) {
      const dBranch = masked(tf, dy.clone(), outer);
      outer?.dispose();
      const down = denseGradient(tf, dBranch, hidden);
      hidden.dispose();
      const dHidden = spend(dBranch, denseInputGradient(tf, dBranch, downKernel));
      const dActive = masked(tf, dHidden, inner);
      inner?.dispose();
      const dUp = spend(dActive, geluGradient(tf, dActive, active));
      const up = denseGradient(tf, dUp, norm.value);
      norm.value.dispose();
      const dNorm = spend(dUp, denseInputGradient(tf, dUp, upKernel));
      const into = spend(dNorm, layerNormGradient(tf, dNorm, norm.saved, scale));
      const dx = spend(into.x, binary(tf, 'AddV2', into.x, dy));
      return [dx, into.scale, into.offset, up.kernel, up.bias, down.kernel, down.bias];
    },
  });
}
