import type { Tensor } from '@tensorflow/tfjs-node';
import type { Tf } from '../tensorflow.ts';
import { execute } from './execute.ts';

/**
 * max(x, 0), with TensorFlow's `ReluGrad` as its gradient: one pass, where tfjs takes three (step, cast, product). The gradient
 * at 0 is 0.
 *
 * What is kept for the gradient is the result, which the next layer keeps anyway, so the caller may dispose `x` at once.
 *
 * https://www.tensorflow.org/api_docs/cc/class/tensorflow/ops/relu
 */
export function relu<T extends Tensor>(tf: Tf, x: T): T {
  const operation = tf.customGrad((input, save) => {
    const [value] = execute(tf, 'Relu', [input as Tensor], { T: { type: 'float32' } }, 1);
    (save as (tensors: Tensor[]) => void)([value as Tensor]);
    const gradFunc = (dy: Tensor, saved: Tensor[]) =>
      execute(tf, 'ReluGrad', [dy, saved[0] as Tensor], { T: { type: 'float32' } }, 1)[0] as Tensor;
    return { value: value as Tensor, gradFunc };
  });
  return operation(x) as T;
}
