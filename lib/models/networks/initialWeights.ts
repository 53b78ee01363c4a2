import { uniforms } from '../random.ts';
import type { WeightPlan } from './network.ts';

/**
 * A weight before training. Glorot: uniform in ±sqrt(6 / (fanIn + fanOut)), drawn by seed and the weight's number.
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
  const limit = Math.sqrt(6 / (initial.glorot.fanIn + initial.glorot.fanOut));
  return Float32Array.from(
    uniforms({ seed, use: 'weights', epoch: member, step: index }, length),
    (draw) => (2 * draw - 1) * limit,
  );
}
