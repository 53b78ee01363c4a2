import type { Scalar, Tensor1D } from '@tensorflow/tfjs-node';
import { execute } from '../kernels/execute.ts';
import type { Tf } from '../tensorflow.ts';
import { halfSquares } from './clip.ts';
import type { ResourceVariable } from './resourceVariable.ts';

/** Whether every number is one: neither NaN nor infinite. */
export function areFinite(tf: Tf, variables: readonly ResourceVariable[]): boolean {
  return tf.tidy(() => {
    const tensors = variables.map((variable) => variable.read());
    if (tensors.length === 0) return true;
    // A sum of squares is finite only where every number is, and costs less than looking at each; yet it may overflow.
    const sums = tf.stack(tensors.map((tensor) => halfSquares(tf, tensor))) as Tensor1D;
    return sums.dataSync().every((sum, index) => {
      if (Number.isFinite(sum)) return true;
      const [each] = execute(tf, 'IsFinite', [tensors[index] as never], { T: { type: 'float32' } }, 1);
      return ((each as Scalar).all().dataSync()[0] as number) === 1;
    });
  });
}
