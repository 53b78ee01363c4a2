import { describe, expect, it } from 'vitest';
import { fieldPlot, paramsOf } from './cases.ts';
import { trainingFlop } from './flop.ts';

describe('floating-point operations of a training image', () => {
  it('are 14.4 GFLOP for convnet2d on a plot of the field, counted by hand', () => {
    const convolution1 = 2 * 156 * 102 * 128 * (5 * 5 * 4);
    const convolution2 = 2 * 154 * 100 * 128 * (3 * 3 * 128);
    const dense = 2 * 77 * 50 * 128;
    const flop = trainingFlop(paramsOf('convnet2d'), fieldPlot);
    expect(flop).toBe(2 * convolution1 + 3 * convolution2 + 3 * dense);
    expect(flop / 1e9).toBeCloseTo(14.44, 2);
  });

  it('follow the parameters and the size of the plot', () => {
    const flop = (filters: number, size: number) =>
      trainingFlop(paramsOf('convnet2d', { filters: [filters, filters] }), { height: size, width: size, channels: 4 });
    expect(flop(64, 80) / flop(32, 80)).toBeGreaterThan(3.2);
    expect(flop(64, 80) / flop(64, 40)).toBeGreaterThan(4);
  });
});
