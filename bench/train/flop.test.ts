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

  it('are 0.42 GFLOP for vit, counted by hand', () => {
    const embedding = 2 * 10 * (32 * 53 * 4) * 512;
    const attention = 2 * 11 * 512 * (3 * 512) + 2 * (2 * 11 * 11 * 512) + 2 * 11 * 512 * 512;
    const mlp = 2 * (2 * 11 * 512 * 1048);
    const flop = trainingFlop(paramsOf('vit'), fieldPlot);
    expect(flop).toBe(2 * embedding + 3 * 2 * (attention + mlp) + 3 * 2 * 512);
    expect(flop / 1e9).toBeCloseTo(0.42, 2);
  });

  it('shrink with the pixels that pooled-cnn averages early', () => {
    const input = { height: 64, width: 64, channels: 4 };
    const flop = (shrink: number[]) => trainingFlop(paramsOf('pooled-cnn', { filters: [8, 8], shrink }), input);
    const [early, late, dense] = [2 * 64 * 64 * 9 * 4 * 8, 2 * 64 * 64 * 9 * 8 * 8, 2 * 8];
    expect(flop([])).toBe(2 * early + 3 * late + 3 * dense);
    expect(flop([4])).toBe(2 * early + (3 * late) / 16 + 3 * dense);
  });

  it('follow the parameters and the size of the plot', () => {
    const flop = (filters: number, size: number) =>
      trainingFlop(paramsOf('convnet2d', { filters: [filters, filters] }), { height: size, width: size, channels: 4 });
    expect(flop(64, 80) / flop(32, 80)).toBeGreaterThan(3.2);
    expect(flop(64, 80) / flop(64, 40)).toBeGreaterThan(4);
  });
});
