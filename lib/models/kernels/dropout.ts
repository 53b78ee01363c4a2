import type { Tensor } from '@tensorflow/tfjs-node';
import type { Tf } from '../tensorflow.ts';
import { type Attribute, execute } from './execute.ts';
import { binary, constant, reshaped, scalar, spend } from './operations.ts';

/** Random numbers are the dear part of dropout: one of these decides on four numbers, a byte each. */
const steps = 256;

const random: Readonly<Record<string, Attribute>> = {
  dtype: { type: 'int32' },
  T: { type: 'int32' },
  Tseed: { type: 'int32' },
};
const toBytes: Readonly<Record<string, Attribute>> = { T: { type: 'int32' }, type: { type: 'uint8' } };
const bytes: Readonly<Record<string, Attribute>> = { T: { type: 'uint8' } };
const toByte: Readonly<Record<string, Attribute>> = { SrcT: { type: 'int32' }, DstT: { type: 'uint8' } };
const toFloat: Readonly<Record<string, Attribute>> = { SrcT: { type: 'bool' }, DstT: { type: 'float32' } };

/** Dropout as a kernel uses it: a mask of its own for each place. */
export interface Dropout {
  readonly rate: number;
  /** As `ForwardPass.training.noise`. */
  noise(index: number): readonly [number, number];
}

/** What a kept number is multiplied by, so that means stay as they are: 1 / (1 - rate), of the rate as it is rounded. */
export function dropoutScale(rate: number): number {
  return steps / (steps - dropped(rate));
}

/**
 * Ones and zeros, of which `rate` are zeros, rounded to 1/256; drawn by the seed alone (Philox, counter-based).
 *
 * Srivastava et al.: Dropout. JMLR 15, 2014. https://jmlr.org/papers/v15/srivastava14a.html
 *
 * @param seed as `ForwardPass.training.noise` gives it
 * @param rate in [0, 1)
 */
export function dropoutMask(tf: Tf, seed: readonly [number, number], rate: number, shape: readonly number[]): Tensor {
  const size = shape.reduce((product, length) => product * length, 1);
  const words = Math.ceil(size / 4);
  return tf.tidy(() => {
    const length = constant(tf, `words/${words}`, () => tf.tensor1d([words], 'int32'));
    const key = tf.tensor1d([...seed], 'int32');
    const [drawn] = execute(tf, 'StatelessRandomUniformFullInt', [length, key], random, 1);
    const [split] = execute(tf, 'Bitcast', [drawn as Tensor], toBytes, 1);
    const [kept] = execute(tf, 'GreaterEqual', [split as Tensor, threshold(tf, dropped(rate))], bytes, 1);
    const [mask] = execute(tf, 'Cast', [kept as Tensor], toFloat, 1);
    const all = mask as Tensor;
    return reshaped(tf, words * 4 === size ? all : all.flatten().slice(0, size), shape);
  });
}

/** The same times {@link dropoutScale}; nothing without dropout. */
export function scaledMask(
  tf: Tf,
  dropout: Dropout | undefined,
  index: number,
  shape: readonly number[],
): Tensor | undefined {
  if (!dropout) return undefined;
  const mask = dropoutMask(tf, dropout.noise(index), dropout.rate, shape);
  return spend(mask, binary(tf, 'Mul', mask, scalar(tf, dropoutScale(dropout.rate))));
}

/** `x` times the mask; `x` is disposed. */
export function masked(tf: Tf, x: Tensor, mask: Tensor | undefined): Tensor {
  return mask ? spend(x, binary(tf, 'Mul', x, mask)) : x;
}

function dropped(rate: number): number {
  return Math.min(steps - 1, Math.round(rate * steps));
}

/** As one byte; tfjs has no type for it, and takes it for an int32. */
function threshold(tf: Tf, value: number): Tensor {
  return constant(tf, `byte/${value}`, () => execute(tf, 'Cast', [tf.scalar(value, 'int32')], toByte, 1)[0] as Tensor);
}
