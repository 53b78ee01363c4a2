import { describe, expect, it } from 'vitest';
import { batchIndices, stepsPerEpoch } from './batches.ts';

describe('the batches of an epoch', () => {
  it.each([
    [96, 16],
    [97, 16],
    [17, 16],
    [3, 16],
  ])('of %i plots in batches of %i hold every plot once, and are nearly equal in size', (plots, batchSize) => {
    const steps = stepsPerEpoch(plots, batchSize);
    const batches = Array.from({ length: steps }, (_, step) =>
      batchIndices({ seed: 1, fold: 0, epoch: 0, step }, { plots, batchSize }),
    );
    expect(batches.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: plots }, (_, index) => index));
    const sizes = batches.map((batch) => batch.length);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(batchSize);
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
  });
});
