import type { Scalar, Tensor } from '@tensorflow/tfjs-node';
import { type Attribute, execute } from '../kernels/execute.ts';
import type { Tf } from '../tensorflow.ts';

const dtype: Attribute = { type: 'float32' };

/** TensorFlow finds a variable by its name, whoever made it. */
let made = 0;

/**
 * Numbers that TensorFlow keeps under one handle and changes in place: an update of a tfjs variable makes each of its terms a
 * tensor first.
 *
 * https://www.tensorflow.org/api_docs/cc/class/tensorflow/ops/var-handle-op
 */
export class ResourceVariable {
  readonly shape: readonly number[];
  readonly #tf: Tf;
  readonly #handle: Tensor;

  /** @param values copied, because updates in place would reach them */
  constructor(tf: Tf, shape: readonly number[], values: Float32Array) {
    this.#tf = tf;
    this.shape = shape;
    const attributes = { container: { string: '' }, shared_name: { string: `furrow/${made++}` }, dtype };
    const [handle] = execute(tf, 'VarHandleOp', [], { ...attributes, shape: { shape } }, 1);
    this.#handle = tf.keep(handle as Tensor);
    const initial = tf.tensor(values.slice(), [...shape]);
    this.assign(initial);
    initial.dispose();
  }

  /** The numbers as they are now, without a copy. While this tensor lives, a change in place makes a copy first. */
  read<T extends Tensor>(): T {
    return execute(this.#tf, 'ReadVariableOp', [this.#handle], { dtype }, 1)[0] as T;
  }

  /** Takes over a tensor's numbers, without a copy; the tensor stays the caller's to dispose, best before the next change. */
  assign(value: Tensor): void {
    execute(this.#tf, 'AssignVariableOp', [this.#handle, value], { dtype }, 0);
  }

  /** A copy for JavaScript. */
  values(): Float32Array {
    const tensor = this.read();
    const values = tensor.dataSync() as Float32Array;
    tensor.dispose();
    return values;
  }

  /** Changes this variable, and `others` with it, by one of TensorFlow's `ResourceApply` operations. */
  apply(
    operation: string,
    others: readonly ResourceVariable[],
    inputs: readonly Tensor[],
    attributes: Readonly<Record<string, Attribute>> = {},
  ): void {
    const handles = [this, ...others].map((variable) => variable.#handle);
    execute(this.#tf, operation, [...handles, ...inputs], { T: dtype, use_locking: { bool: false }, ...attributes }, 0);
  }

  dispose(): void {
    if (this.#handle.isDisposed) return;
    execute(this.#tf, 'DestroyResourceOp', [this.#handle], { ignore_lookup_error: { bool: true } }, 0);
    this.#handle.dispose();
  }
}

/** Scalars by value, each made once; all disposed together. */
export class Scalars {
  readonly #tf: Tf;
  readonly #byValue = new Map<number, Scalar>();

  constructor(tf: Tf) {
    this.#tf = tf;
  }

  readonly of = (value: number): Scalar => {
    let scalar = this.#byValue.get(value);
    if (!scalar) {
      scalar = this.#tf.keep(this.#tf.scalar(value));
      this.#byValue.set(value, scalar);
    }
    return scalar;
  };

  dispose(): void {
    for (const scalar of this.#byValue.values()) scalar.dispose();
    this.#byValue.clear();
  }
}
