/** TensorFlow's own operations, by name: those that tfjs has no function for. */

import type { Tensor } from '@tensorflow/tfjs-node';
import type { NodeJSKernelBackend } from '@tensorflow/tfjs-node/dist/nodejs_kernel_backend.js';
import type { Tf } from '../tensorflow.ts';

export type Attribute =
  | { readonly type: 'float32' | 'int32' | 'bool' | 'uint8' }
  | { readonly float: number }
  | { readonly int: number | readonly number[] }
  | { readonly bool: boolean }
  | { readonly string: string }
  | { readonly shape: readonly number[] };

export type Attributes = Readonly<Record<string, Attribute>>;

/**
 * Runs one operation on TensorFlow's backend.
 *
 * @param outputs how many tensors the operation gives; all of them are the caller's to dispose
 */
export function execute(
  tf: Tf,
  operation: string,
  inputs: readonly Tensor[],
  attributes: Attributes,
  outputs: number,
): Tensor[] {
  const backend = tf.backend() as NodeJSKernelBackend;
  return backend.executeMultipleOutputs(operation, listed(backend, attributes), inputs as Tensor[], outputs);
}

type Listed = Parameters<NodeJSKernelBackend['executeMultipleOutputs']>[1];

/** As tfjs wants them. Attributes that are constants of a module are brought into that form once: kernels run 100,000 times a minute. */
const known = new WeakMap<object, Listed>();

function listed({ binding }: NodeJSKernelBackend, attributes: Attributes): Listed {
  const before = known.get(attributes);
  if (before) return before;
  const types = { float32: binding.TF_FLOAT, int32: binding.TF_INT32, bool: binding.TF_BOOL, uint8: binding.TF_UINT8 };
  const list = Object.entries(attributes).map(([name, attribute]) => {
    if ('type' in attribute) return { name, type: binding.TF_ATTR_TYPE, value: types[attribute.type] };
    if ('float' in attribute) return { name, type: binding.TF_ATTR_FLOAT, value: attribute.float };
    if ('int' in attribute) return { name, type: binding.TF_ATTR_INT, value: attribute.int };
    if ('bool' in attribute) return { name, type: binding.TF_ATTR_BOOL, value: attribute.bool };
    if ('shape' in attribute) return { name, type: binding.TF_ATTR_SHAPE, value: [...attribute.shape] };
    return { name, type: binding.TF_ATTR_STRING, value: attribute.string };
  }) as Listed;
  known.set(attributes, list);
  return list;
}
