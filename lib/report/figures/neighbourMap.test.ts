import { describe, expect, it } from 'vitest';
import { uniforms } from '../../models/random.ts';
import { neighbourMap, perplexityFor } from './neighbourMap.ts';
import { evenSelection } from './selection.ts';

/** Groups of plots, far from each other in every feature. */
function groups(plots: number, features: number, scale = 1): Float32Array {
  const draws = uniforms({ seed: 3, use: 'order' }, plots * features);
  return Float32Array.from(draws, (draw, at) => scale * (draw + 10 * (Math.floor(at / features) % 4)));
}

describe('a map of neighbours', () => {
  it('is the same for the same seed, and another for another', () => {
    const of = (seed: number) => neighbourMap(groups(40, 16), 40, seed);
    expect(of(1)).toEqual(of(1));
    expect(of(1)).not.toEqual(of(2));
    expect(of(2 ** 40 + 1)).not.toEqual(of(1));
  });

  it.each([1, 1e-6, 1e6])('has the plots of a group together, whatever the scale of features (%d)', (scale) => {
    const places = neighbourMap(groups(40, 16, scale), 40, 1) ?? [];
    const distance = (a: number, b: number) =>
      Math.hypot((places[a]?.x ?? 0) - (places[b]?.x ?? 0), (places[a]?.y ?? 0) - (places[b]?.y ?? 0));
    for (const plot of places.keys()) {
      const others = [...places.keys()].filter((other) => other !== plot);
      const nearest = others.reduce((a, b) => (distance(plot, b) < distance(plot, a) ? b : a));
      expect(nearest % 4).toBe(plot % 4);
    }
  });

  it.each([5, 6, 17, 300])('of %d plots lies within ±1', (plots) => {
    const places = neighbourMap(groups(plots, 8), plots, 1) ?? [];
    expect(places).toHaveLength(plots);
    for (const { x, y } of places) expect(Math.max(Math.abs(x), Math.abs(y))).toBeLessThan(1 + 1e-9);
  });

  it('is none of plots that are all the same, or no numbers', () => {
    expect(neighbourMap(new Float32Array(80).fill(0.1), 10, 1)).toBeUndefined();
    expect(neighbourMap(groups(10, 8).fill(Number.NaN, 3, 4), 10, 1)).toBeUndefined();
  });

  it('is drawn where some plots are the same', () => {
    const twins = groups(20, 8);
    twins.copyWithin(8, 0, 8);
    expect(neighbourMap(twins, 20, 1)).toHaveLength(20);
  });

  it('looks at a third of the other plots at most', () => {
    expect([5, 10, 40, 91, 300].map(perplexityFor)).toEqual([2, 3, 13, 30, 30]);
  });
});

describe('an even selection', () => {
  const targets = Array.from({ length: 1000 }, (_, plot) => (plot % 10 === 0 ? 300 : 0));

  it('is all plots where there are no more', () => {
    expect(evenSelection([5, 6, 7], 3, 1)).toEqual([0, 1, 2]);
  });

  it('keeps the share of each level, in order, each plot once', () => {
    const places = evenSelection(targets, 100, 1);
    expect(places.filter((place) => targets[place] === 300)).toHaveLength(10);
    expect(new Set(places).size).toBe(100);
    expect([...places].sort((a, b) => a - b)).toEqual(places);
  });

  it('takes other plots of a level by another seed', () => {
    expect(evenSelection(targets, 100, 1)).toEqual(evenSelection(targets, 100, 1));
    expect(evenSelection(targets, 100, 2)).not.toEqual(evenSelection(targets, 100, 1));
  });
});
