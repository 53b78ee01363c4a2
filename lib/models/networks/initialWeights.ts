import { uniforms } from '../random.ts';
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
  const draws = (count: number) => uniforms({ seed, use: 'weights', epoch: member, step: index }, count);
  if ('normal' in initial) return normals(draws(2 * length), initial.normal);
  return spread(draws(length), Math.sqrt(6 / (initial.glorot.fanIn + initial.glorot.fanOut)));
}

/** Evenly over ±limit. */
function spread(draws: Float64Array, limit: number): Float32Array {
  const values = new Float32Array(draws.length);
  for (let index = 0; index < values.length; index++) values[index] = (2 * (draws[index] as number) - 1) * limit;
  return values;
}

/** Two draws each. */
function normals(draws: Float64Array, deviation: number): Float32Array {
  const values = new Float32Array(draws.length / 2);
  for (let index = 0; index < values.length; index++) {
    // Above 0, so that its logarithm is finite.
    const radius = Math.sqrt(-2 * Math.log(1 - (draws[2 * index] as number)));
    values[index] = deviation * radius * Math.cos(2 * Math.PI * (draws[2 * index + 1] as number));
  }
  return values;
}
