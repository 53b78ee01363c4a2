import { describe, expect, it } from 'vitest';
import { permutation, philox, uniforms } from './random.ts';

describe('philox', () => {
  // kat_vectors of Random123 1.14, philox4x32, 10 rounds.
  it.each([
    [[0, 0, 0, 0], [0, 0], '6627e8d5 e169c58d bc57ac4c 9b00dbd8'],
    [[0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff], [0xffffffff, 0xffffffff], '408f276d 41c83b0e a20bc7c6 6d5451fd'],
    [[0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0], 'd16cfe09 94fdcceb 5001e420 24126ea1'],
  ] as const)('gives the known answer for counter %j and key %j', (counter, key, answer) => {
    expect([...philox(counter, key)].map((word) => word.toString(16).padStart(8, '0')).join(' ')).toBe(answer);
  });
});

describe('uniforms', () => {
  it('depend on the place alone: a prefix is the same however many are drawn', () => {
    const place = { seed: 42, use: 'order', epoch: 3 } as const;
    expect(uniforms(place, 5)).toEqual(uniforms(place, 50).slice(0, 5));
  });

  it('differ when seed, use, epoch or step differ', () => {
    const places = [
      { seed: 1, use: 'order' },
      { seed: 2 ** 32 + 1, use: 'order' },
      { seed: 1, use: 'weights' },
      { seed: 1, use: 'order', epoch: 1 },
      { seed: 1, use: 'order', step: 1 },
    ] as const;
    expect(new Set(places.map((place) => uniforms(place, 1)[0])).size).toBe(places.length);
  });

  it('are spread evenly over [0, 1)', () => {
    const draws = uniforms({ seed: 7, use: 'weights' }, 10_000);
    expect(draws.reduce((sum, draw) => sum + draw, 0) / draws.length).toBeCloseTo(0.5, 2);
    expect(draws.every((draw) => draw >= 0 && draw < 1)).toBe(true);
  });
});

describe('permutation', () => {
  it('holds every number once, in another order each epoch', () => {
    const orders = [0, 1].map((epoch) => [...permutation({ seed: 1, use: 'order', epoch }, 100)]);
    for (const order of orders)
      expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, index) => index));
    expect(orders[0]).not.toEqual(orders[1]);
  });
});
