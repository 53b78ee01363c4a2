/**
 * TensorFlow's operations on float32 that the kernels here are made of: no tape, no broadcasting by copies, one call of the
 * library each. What they give is the caller's to dispose.
 */
import type { Tensor } from '@tensorflow/tfjs-node';
import type { Tf } from '../tensorflow.ts';
import { type Attributes, execute } from './execute.ts';

const float: Attributes = { T: { type: 'float32' } };
const channelsLast: Attributes = { ...float, data_format: { string: 'NHWC' } };
const reduction: Attributes = { ...float, Tidx: { type: 'int32' } };
const keepAxes: Attributes = { ...reduction, keep_dims: { bool: true } };
const dropAxes: Attributes = { ...reduction, keep_dims: { bool: false } };
const reshaping: Attributes = { ...float, Tshape: { type: 'int32' } };
const permuting: Attributes = { ...float, Tperm: { type: 'int32' } };

export type Unary = 'Erf' | 'Exp' | 'Relu' | 'Rsqrt' | 'Softmax' | 'Square';
export type Binary = 'AddV2' | 'Mul' | 'ReluGrad' | 'Sub';

export function unary(tf: Tf, operation: Unary, x: Tensor): Tensor {
  return only(execute(tf, operation, [x], float, 1));
}

/** Broadcasts. */
export function binary(tf: Tf, operation: Binary, a: Tensor, b: Tensor): Tensor {
  return only(execute(tf, operation, [a, b], float, 1));
}

/** `[rows, columns]` plus `[columns]`. */
export function addBias(tf: Tf, x: Tensor, bias: Tensor): Tensor {
  return only(execute(tf, 'BiasAdd', [x, bias], channelsLast, 1));
}

/** `[rows, columns]` to `[columns]`. */
export function sumOfRows(tf: Tf, x: Tensor): Tensor {
  return only(execute(tf, 'BiasAddGrad', [x], channelsLast, 1));
}

export function mean(tf: Tf, x: Tensor, axis: number, axes: 'keep' | 'drop'): Tensor {
  return only(execute(tf, 'Mean', [x, integers(tf, [axis])], axes === 'keep' ? keepAxes : dropAxes, 1));
}

export function sum(tf: Tf, x: Tensor, axis: number, axes: 'keep' | 'drop'): Tensor {
  return only(execute(tf, 'Sum', [x, integers(tf, [axis])], axes === 'keep' ? keepAxes : dropAxes, 1));
}

export type Transposed = 'a' | 'b' | undefined;

const products = new Map<Transposed, Attributes>(
  ([undefined, 'a', 'b'] as const).map((which) => [
    which,
    { ...float, transpose_a: { bool: which === 'a' }, transpose_b: { bool: which === 'b' } },
  ]),
);
const batchProducts = new Map<Transposed, Attributes>(
  ([undefined, 'a', 'b'] as const).map((which) => [
    which,
    { ...float, adj_x: { bool: which === 'a' }, adj_y: { bool: which === 'b' } },
  ]),
);

/** Of two matrices. */
export function product(tf: Tf, a: Tensor, b: Tensor, transposed?: Transposed): Tensor {
  return only(execute(tf, 'MatMul', [a, b], products.get(transposed) as Attributes, 1));
}

/** Of the matrices in the last two axes. */
export function batchProduct(tf: Tf, a: Tensor, b: Tensor, transposed?: Transposed): Tensor {
  return only(execute(tf, 'BatchMatMulV2', [a, b], batchProducts.get(transposed) as Attributes, 1));
}

/** The same numbers, without a copy. */
export function reshaped(tf: Tf, x: Tensor, shape: readonly number[]): Tensor {
  return only(execute(tf, 'Reshape', [x, integers(tf, shape)], reshaping, 1));
}

export function permuted(tf: Tf, x: Tensor, axes: readonly number[]): Tensor {
  return only(execute(tf, 'Transpose', [x, integers(tf, axes)], permuting, 1));
}

const padding: Attributes = { ...float, Tpaddings: { type: 'int32' } };
const slicing: Attributes = { ...float, Index: { type: 'int32' } };

/** Zeros before and after, by axis. */
export function padded(tf: Tf, x: Tensor, around: readonly (readonly [number, number])[]): Tensor {
  const paddings = constant(tf, `pad/${around.join()}`, () =>
    tf.tensor2d(around as [number, number][], undefined, 'int32'),
  );
  return only(execute(tf, 'Pad', [x, paddings], padding, 1));
}

export function sliced(tf: Tf, x: Tensor, begin: readonly number[], size: readonly number[]): Tensor {
  return only(execute(tf, 'Slice', [x, integers(tf, begin), integers(tf, size)], slicing, 1));
}

const unpacking = new Map<number, Attributes>();

/** Along the first axis; of large tensors without a copy. */
export function unpacked(tf: Tf, x: Tensor): Tensor[] {
  const count = x.shape[0] as number;
  let attributes = unpacking.get(count);
  if (!attributes) {
    attributes = { ...float, num: { int: count }, axis: { int: 0 } };
    unpacking.set(count, attributes);
  }
  return execute(tf, 'Unpack', [x], attributes, count);
}

const packing = new Map<number, Attributes>();

/** Along a new first axis. */
export function packed(tf: Tf, parts: readonly Tensor[]): Tensor {
  let attributes = packing.get(parts.length);
  if (!attributes) {
    attributes = { ...float, N: { int: parts.length }, axis: { int: 0 } };
    packing.set(parts.length, attributes);
  }
  return only(execute(tf, 'Pack', parts, attributes, 1));
}

const adding = new Map<number, Attributes>();

/** Of tensors of one shape, from the first to the last. */
export function total(tf: Tf, terms: readonly Tensor[]): Tensor {
  let attributes = adding.get(terms.length);
  if (!attributes) {
    attributes = { ...float, N: { int: terms.length } };
    adding.set(terms.length, attributes);
  }
  return only(execute(tf, 'AddN', terms, attributes, 1));
}

const joining = new Map<number, Attributes>();

export function concatenated(tf: Tf, parts: readonly Tensor[], axis: number): Tensor {
  let attributes = joining.get(parts.length);
  if (!attributes) {
    attributes = { ...float, Tidx: { type: 'int32' }, N: { int: parts.length } };
    joining.set(parts.length, attributes);
  }
  const along = constant(tf, `axis/${axis}`, () => tf.scalar(axis, 'int32'));
  return only(execute(tf, 'ConcatV2', [...parts, along], attributes, 1));
}

/** `x` is disposed, its result given: for chains in which each value is used once. */
export function spend<T>(x: Tensor, result: T): T {
  x.dispose();
  return result;
}

/** Of an operation with one output. */
export function only(tensors: readonly Tensor[]): Tensor {
  return tensors[0] as Tensor;
}

/** Constants live as long as the process: a network uses few, at every step, and making one costs as much as a small kernel. */
const constants = new WeakMap<object, Map<string, Tensor>>();

export function scalar(tf: Tf, value: number): Tensor {
  return constant(tf, `${value}`, () => tf.scalar(value));
}

/** Shapes, axes: made once, see {@link constant}. */
export function integers(tf: Tf, values: readonly number[]): Tensor {
  return constant(tf, `[${values.join()}]`, () => tf.tensor1d(values as number[], 'int32'));
}

export function constant(tf: Tf, key: string, make: () => Tensor): Tensor {
  let byKey = constants.get(tf);
  if (!byKey) {
    byKey = new Map();
    constants.set(tf, byKey);
  }
  let tensor = byKey.get(key);
  if (!tensor) {
    tensor = tf.keep(make());
    byKey.set(key, tensor);
  }
  return tensor;
}
