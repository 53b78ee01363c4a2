import type { Tensor } from '@tensorflow/tfjs-node';
import type { Tf } from '../tensorflow.ts';
import { type Attributes, execute } from './execute.ts';
import { binary, constant, reshaped, scalar, sliced, spend } from './operations.ts';

/** Random numbers are the dear part of dropout: one of these decides on four numbers, a byte each. */
const steps = 256;

const random: Attributes = {
  dtype: { type: 'int32' },
  T: { type: 'int32' },
  Tseed: { type: 'int32' },
};
const toBytes: Attributes = { T: { type: 'int32' }, type: { type: 'uint8' } };
const bytes: Attributes = { T: { type: 'uint8' } };
const toByte: Attributes = { SrcT: { type: 'int32' }, DstT: { type: 'uint8' } };
const toFloat: Attributes = { SrcT: { type: 'bool' }, DstT: { type: 'float32' } };

/**
 * Masks to multiply by, one of each shape, out of one draw: `rate` of their numbers, rounded to 1/256, are zeros, the others what
 * keeps the mean as it is, 1 / (1 - rate). Drawn by the seed alone (Philox, counter-based).
 *
 * Srivastava et al.: Dropout. JMLR 15, 2014. https://jmlr.org/papers/v15/srivastava14a.html
 *
 * @param seed as `ForwardPass.training.noise` gives it
 * @param rate in [0, 1)
 */
export function dropoutMasks(
  tf: Tf,
  seed: readonly [number, number],
  rate: number,
  shapes: readonly (readonly number[])[],
): Tensor[] {
  const sizes = shapes.map((shape) => shape.reduce((product, length) => product * length, 1));
  const words = Math.ceil(sizes.reduce((sum, size) => sum + size, 0) / 4);
  const dropped = Math.min(steps - 1, Math.round(rate * steps));
  return tf.tidy(() => {
    const length = constant(tf, `words/${words}`, () => tf.tensor1d([words], 'int32'));
    const key = tf.tensor1d([...seed], 'int32');
    const [drawn] = execute(tf, 'StatelessRandomUniformFullInt', [length, key], random, 1);
    const [split] = execute(tf, 'Bitcast', [drawn as Tensor], toBytes, 1);
    const [kept] = execute(tf, 'GreaterEqual', [split as Tensor, threshold(tf, dropped)], bytes, 1);
    const [ones] = execute(tf, 'Cast', [kept as Tensor], toFloat, 1);
    const all = reshaped(tf, binary(tf, 'Mul', ones as Tensor, scalar(tf, steps / (steps - dropped))), [words * 4]);
    let from = 0;
    return shapes.map((shape, index) => {
      const size = sizes[index] as number;
      const mask = reshaped(tf, sliced(tf, all, [from], [size]), shape);
      from += size;
      return mask;
    });
  });
}

/** `x` times the mask, if there is one; `x` is disposed. */
export function masked(tf: Tf, x: Tensor, mask: Tensor | undefined): Tensor {
  return mask ? spend(x, binary(tf, 'Mul', x, mask)) : x;
}

/** As one byte; tfjs has no type for it, and takes it for an int32. */
function threshold(tf: Tf, value: number): Tensor {
  return constant(tf, `byte/${value}`, () => execute(tf, 'Cast', [tf.scalar(value, 'int32')], toByte, 1)[0] as Tensor);
}
