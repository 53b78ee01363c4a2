import type { Scalar, Tensor } from '@tensorflow/tfjs-node';
import { execute } from '../kernels/execute.ts';
import type { Tf } from '../tensorflow.ts';

/** Half the sum of a tensor's squares, in one pass. */
export function halfSquares(tf: Tf, tensor: Tensor): Scalar {
  return execute(tf, 'L2Loss', [tensor], { T: { type: 'float32' } }, 1)[0] as Scalar;
}

/** The length of all gradients as one vector, from each one's {@link halfSquares}. */
export function globalNorm(halves: Iterable<number>): number {
  let sum = 0;
  for (const half of halves) sum += half;
  return Math.sqrt(2 * sum);
}

/**
 * What gradients of a global norm are multiplied by: 1 up to `clipNorm`, else what brings the norm down to it. As
 * `torch.nn.utils.clip_grad_norm_`, 1e-6 included.
 *
 * Pascanu, Mikolov, Bengio: On the difficulty of training recurrent neural networks. ICML 2013. https://arxiv.org/abs/1211.5063
 */
export function clipScale(norm: number, clipNorm: number): number {
  const scale = clipNorm / (norm + 1e-6);
  return scale > 1 ? 1 : scale;
}
