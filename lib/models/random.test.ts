import { describe, expect, it } from 'vitest';
import { permutation, uniforms } from './random.ts';

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
