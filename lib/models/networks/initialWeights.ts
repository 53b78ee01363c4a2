import { philoxWords } from '../philox.ts';
import { uses } from '../random.ts';
import type { WeightPlan } from './network.ts';

/**
 * A weight before training. Glorot: uniform in ±sqrt(6 / (fanIn + fanOut)), drawn by seed and the weight's number; normal: by
 * Box's and Muller's way.
 *
 * Glorot, Bengio: Understanding the difficulty of training deep feedforward neural networks. AISTATS 2010.
 *
 * @param index the weight's place in the network's plan
 * @param member the network's number in an ensemble, so that its members differ
 */
export function initialWeight({ shape, initial }: WeightPlan, index: number, seed: number, member = 0): Float32Array {
  const length = shape.reduce((product, size) => product * size, 1);
  if (initial === 'zeros') return new Float32Array(length);
  if (initial === 'ones') return new Float32Array(length).fill(1);
  const words = (count: number) =>
    philoxWords([0, index, member, uses.weights], [seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0], count);
  if ('normal' in initial) return normals(words(2 * length), initial.normal);
  return uniforms(words(length), Math.sqrt(6 / (initial.glorot.fanIn + initial.glorot.fanOut)));
}

/** In ±limit. */
function uniforms(words: Uint32Array, limit: number): Float32Array {
  const values = new Float32Array(words.length);
  // An iterator of entries would take longer than the draws.
  for (let index = 0; index < values.length; index++) {
    values[index] = ((2 * (words[index] as number)) / 2 ** 32 - 1) * limit;
  }
  return values;
}

/** Two words each; their distance from 0 is never the logarithm of 0. */
function normals(words: Uint32Array, deviation: number): Float32Array {
  const values = new Float32Array(words.length / 2);
  for (let index = 0; index < values.length; index++) {
    const radius = Math.sqrt(-2 * Math.log(1 - (words[2 * index] as number) / 2 ** 32));
    values[index] = deviation * radius * Math.cos(2 * Math.PI * ((words[2 * index + 1] as number) / 2 ** 32));
  }
  return values;
}
