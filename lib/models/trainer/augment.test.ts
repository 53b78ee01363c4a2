import { describe, expect, it } from 'vitest';
import type { FeaturesDescription } from '../../../contract/features.ts';
import { mirror, mixUp, vary } from './augment.ts';
import { betaDraws } from './betaDraws.ts';

const shape = { height: 2, width: 3, channels: 2 };
const plot = () => Float32Array.of(1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 6, -6);
const at = { seed: 1, epoch: 3, step: 2 };
const description = {
  preprocessing: { bands: ['nir'], indices: ['ndvi'], height: 2, width: 3 },
  channels: ['nir', 'ndvi'],
} as unknown as FeaturesDescription;
const off = { flips: false, rotate180: false, brightness: 0, mixup: 0 };

function batchOf(plots: number) {
  const pixels = new Float32Array(plots * 12);
  for (let i = 0; i < plots; i++) pixels.set(plot(), i * 12);
  return { plots, pixels, targets: Float32Array.from({ length: plots }, (_, i) => i) };
}

describe('a plot', () => {
  it.each([
    [{ across: true, down: false }, [3, -3, 2, -2, 1, -1, 6, -6, 5, -5, 4, -4]],
    [{ across: false, down: true }, [4, -4, 5, -5, 6, -6, 1, -1, 2, -2, 3, -3]],
    [{ across: true, down: true }, [6, -6, 5, -5, 4, -4, 3, -3, 2, -2, 1, -1]],
  ])('is mirrored %j with its channels together', (how, expected) => {
    const pixels = plot();
    mirror(pixels, shape, how);
    expect([...pixels]).toEqual(expected);
  });
});

describe('augmentation', () => {
  const variants = (augment: object) => {
    const batch = batchOf(400);
    vary(batch, description, { ...off, ...augment }, at);
    const counts = new Map<string, number>();
    for (let i = 0; i < batch.plots; i++) {
      const key = batch.pixels.subarray(i * 12, i * 12 + 12).join();
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    return [...counts.values()];
  };

  it('mirrors along each axis every second time, and turns every second time', () => {
    const flipped = variants({ flips: true });
    expect(flipped).toHaveLength(4);
    for (const count of flipped) expect(Math.abs(count - 100)).toBeLessThan(35);
    const turned = variants({ rotate180: true });
    expect(turned).toHaveLength(2);
    for (const count of turned) expect(Math.abs(count - 200)).toBeLessThan(45);
    expect(variants({ flips: true, rotate180: true })).toHaveLength(4);
  });

  it('brightens the bands of a plot by one factor, and leaves indices as they are', () => {
    const batch = batchOf(50);
    vary(batch, description, { ...off, brightness: 0.2 }, at);
    const factors = Array.from({ length: 50 }, (_, i) => batch.pixels[i * 12] as number);
    for (const [i, factor] of factors.entries()) {
      const own = batch.pixels.subarray(i * 12, i * 12 + 12);
      expect(own[10]).toBeCloseTo(6 * factor, 4);
      expect(own[11]).toBe(-6);
      expect(Math.abs(factor - 1)).toBeLessThanOrEqual(0.2);
    }
    expect(Math.max(...factors) - Math.min(...factors)).toBeGreaterThan(0.3);
  });

  it('mixes plots and targets by the same share', () => {
    const batch = batchOf(16);
    for (let i = 0; i < 16; i++) batch.pixels.fill(i, i * 12, i * 12 + 12);
    const mixed = mixUp(batch, 0.4, at);
    expect([...mixed.targets].some((target, i) => Math.abs(target - i) > 0.1)).toBe(true);
    for (let i = 0; i < 16; i++) expect(mixed.pixels[i * 12 + 5]).toBeCloseTo(mixed.targets[i] as number, 4);
  });

  it('is the same for the same place in a training, and another one elsewhere', () => {
    const varied = (step: number) => {
      const batch = batchOf(16);
      vary(batch, description, { ...off, flips: true, brightness: 0.3 }, { ...at, step });
      return [...mixUp(batch, 1, { ...at, step }).pixels];
    };
    expect(varied(2)).toEqual(varied(2));
    expect(varied(2)).not.toEqual(varied(3));
  });
});

describe('shares from Beta(alpha, alpha)', () => {
  it.each([0.2, 1, 4])('for alpha %f have the mean and variance of the distribution', (alpha) => {
    const draws = betaDraws({ seed: 5, use: 'mixup' }, alpha, 4000);
    const mean = draws.reduce((sum, draw) => sum + draw, 0) / draws.length;
    const variance = draws.reduce((sum, draw) => sum + (draw - mean) ** 2, 0) / draws.length;
    expect(mean).toBeCloseTo(0.5, 1);
    expect(variance / (1 / (4 * (2 * alpha + 1)))).toBeGreaterThan(0.93);
    expect(variance / (1 / (4 * (2 * alpha + 1)))).toBeLessThan(1.07);
    expect(draws.every((draw) => draw >= 0 && draw <= 1)).toBe(true);
  });
});
