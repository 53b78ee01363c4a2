import { describe, expect, it } from 'vitest';
import { uniforms } from '../random.ts';
import { initialWeight } from './initialWeights.ts';
import type { Initial } from './network.ts';

const weight = (initial: Initial, length = 20_001) => ({ name: 'a', shape: [length], initial, trainable: true });
const moment = (values: Float32Array, power: number) =>
  values.reduce((sum, value) => sum + value ** power, 0) / values.length;

describe('initialWeight', () => {
  it("draws Glorot's weights uniformly in their limits, by seed, place in the plan and member", () => {
    const drawn = initialWeight(weight({ glorot: { fanIn: 100, fanOut: 50 } }), 4, 7, 2);
    const draws = uniforms({ seed: 7, use: 'weights', epoch: 2, step: 4 }, 20_001);
    expect(drawn).toEqual(Float32Array.from(draws, (draw) => (2 * draw - 1) * 0.2));
    expect(moment(drawn, 2)).toBeCloseTo(0.2 ** 2 / 3, 3);
  });

  it('draws normal weights of the deviation', () => {
    const drawn = initialWeight(weight({ normal: 0.5 }), 0, 7);
    expect(moment(drawn, 1)).toBeCloseTo(0, 1);
    expect(moment(drawn, 2)).toBeCloseTo(0.25, 2);
    expect(moment(drawn, 4)).toBeCloseTo(3 * 0.25 ** 2, 1);
  });

  it('draws others for another seed, place in the plan or member', () => {
    const glorot = weight({ glorot: { fanIn: 1, fanOut: 1 } }, 2);
    const drawn = [
      [0, 1, 0],
      [0, 2 ** 32 + 1, 0],
      [1, 1, 0],
      [0, 1, 1],
    ].map(([index, seed, member]) => String(initialWeight(glorot, index as number, seed as number, member)));
    expect(new Set(drawn).size).toBe(4);
  });

  it('fills with zeros and ones', () => {
    expect([...initialWeight(weight('zeros', 2), 0, 1)]).toEqual([0, 0]);
    expect([...initialWeight(weight('ones', 2), 0, 1)]).toEqual([1, 1]);
  });
});
