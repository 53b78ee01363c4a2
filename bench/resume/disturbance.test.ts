import { describe, expect, it } from 'vitest';
import { drawDisturbance, drawTimes } from './disturbance.ts';

const remaining = { from: 6, to: 30, stepsPerEpoch: 3, startMs: 1500, stepMs: 100 };
const draws = Array.from({ length: 400 }, (_, model) => drawDisturbance(remaining, { seed: 1, model, attempt: 0 }));

describe('disturbances', () => {
  it('are of every kind', () => {
    const kinds = new Set(draws.map(({ kind }) => kind));
    expect([...kinds].sort()).toEqual(['after', 'at step', 'stop', 'while storing', 'while writing']);
  });

  it('fall between the checkpoint and the end, all over', () => {
    const steps = draws.flatMap((draw) => ('step' in draw ? [draw.step] : []));
    expect(Math.min(...steps)).toBe(7);
    expect(Math.max(...steps)).toBe(30);
    const times = draws.flatMap((draw) => (draw.kind === 'after' ? [draw.ms] : []));
    expect(Math.min(...times)).toBeLessThan(300);
    expect(Math.max(...times)).toBeGreaterThan(3600);
    expect(Math.max(...times)).toBeLessThanOrEqual(1500 + 24 * 100);
    const writes = draws.flatMap((draw) => ('checkpoint' in draw ? [draw.checkpoint] : []));
    expect(new Set(writes).size).toBe(8);
  });

  it('are the same for the same seed, and others for another model or attempt', () => {
    const at = (seed: number, model: number, attempt: number) => drawDisturbance(remaining, { seed, model, attempt });
    expect(at(1, 2, 3)).toEqual(at(1, 2, 3));
    expect(at(1, 2, 4)).not.toEqual(at(1, 2, 3));
    expect(at(1, 3, 3)).not.toEqual(at(1, 2, 3));
    expect(at(2, 2, 3)).not.toEqual(at(1, 2, 3));
  });

  it('come once to five times a model', () => {
    const times = Array.from({ length: 60 }, (_, model) => drawTimes({ seed: 1, model }));
    expect(new Set(times)).toEqual(new Set([1, 2, 3, 4, 5]));
  });
});
