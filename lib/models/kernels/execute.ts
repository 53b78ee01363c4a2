/** TensorFlow's own operations, by name: those that tfjs has no function for. */

import type { Tensor } from '@tensorflow/tfjs-node';
import type { NodeJSKernelBackend } from '@tensorflow/tfjs-node/dist/nodejs_kernel_backend.js';
import type { Tf } from '../tensorflow.ts';

export type Attribute =
  | { readonly type: 'float32' }
  | { readonly float: number }
  | { readonly bool: boolean }
  | { readonly string: string }
  | { readonly shape: readonly number[] };

/**
 * Runs one operation on TensorFlow's backend.
 *
 * @param outputs how many tensors the operation gives; all of them are the caller's to dispose
 */
export function execute(
  tf: Tf,
  operation: string,
  inputs: readonly Tensor[],
  attributes: Readonly<Record<string, Attribute>>,
  outputs: number,
): Tensor[] {
  const backend = tf.backend() as NodeJSKernelBackend;
  const { binding } = backend;
  const list = Object.entries(attributes).map(([name, attribute]) => {
    if ('type' in attribute) return { name, type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT };
    if ('float' in attribute) return { name, type: binding.TF_ATTR_FLOAT, value: attribute.float };
    if ('bool' in attribute) return { name, type: binding.TF_ATTR_BOOL, value: attribute.bool };
    if ('shape' in attribute) return { name, type: binding.TF_ATTR_SHAPE, value: [...attribute.shape] };
    return { name, type: binding.TF_ATTR_STRING, value: attribute.string };
  });
  return backend.executeMultipleOutputs(operation, list, [...inputs], outputs);
}
