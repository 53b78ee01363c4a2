import { type Place, uniforms } from '../random.ts';
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
  const place: Place = { seed, use: 'weights', epoch: member, step: index };
  if ('normal' in initial) return normals(place, length, initial.normal);
  const limit = Math.sqrt(6 / (initial.glorot.fanIn + initial.glorot.fanOut));
  return Float32Array.from(uniforms(place, length), (draw) => (2 * draw - 1) * limit);
}

/** Two draws each; their distance from 0 is never the logarithm of 0. */
function normals(place: Place, length: number, deviation: number): Float32Array {
  const draws = uniforms(place, 2 * length);
  return Float32Array.from({ length }, (_, index) => {
    const radius = Math.sqrt(-2 * Math.log(1 - (draws[2 * index] as number)));
    return deviation * radius * Math.cos(2 * Math.PI * (draws[2 * index + 1] as number));
  });
}
