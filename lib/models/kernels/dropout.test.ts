import { beforeAll, describe, expect, it } from 'vitest';
import { loadTensorflow, type Tf } from '../tensorflow.ts';
import { dropoutMask, dropoutScale, scaledMask } from './dropout.ts';

let tf: Tf;
beforeAll(async () => {
  tf = await loadTensorflow();
});

describe('dropoutMask', () => {
  const drawn = (seed: readonly [number, number], rate = 0.2, shape: readonly number[] = [100, 101]) => [
    ...dropoutMask(tf, seed, rate, shape).dataSync(),
  ];

  it('is zeros at about the rate, and ones', () => {
    const mask = drawn([1, 2]);
    expect(new Set(mask)).toEqual(new Set([0, 1]));
    const zeros = mask.filter((value) => value === 0).length / mask.length;
    // Five standard deviations of 10,100 draws.
    expect(Math.abs(zeros - 0.2)).toBeLessThan(0.02);
  });

  it('is the same for the same seed, and another for another', () => {
    expect(drawn([1, 2])).toEqual(drawn([1, 2]));
    expect(drawn([1, 2])).not.toEqual(drawn([1, 3]));
    expect(drawn([1, 2])).not.toEqual(drawn([2, 2]));
  });

  it('has any size', () => {
    expect(dropoutMask(tf, [1, 2], 0.5, [3, 1, 7]).shape).toEqual([3, 1, 7]);
  });

  it('drops nothing at rate 0, and never all', () => {
    expect(drawn([1, 2], 0).every((value) => value === 1)).toBe(true);
    expect(drawn([1, 2], 0.999).some((value) => value === 1)).toBe(true);
  });

  it('leaves nothing behind but the mask', () => {
    drawn([1, 2]);
    const before = tf.memory().numTensors;
    dropoutMask(tf, [1, 2], 0.2, [100, 101]).dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('scaledMask', () => {
  it('keeps the mean as it is', () => {
    const dropout = { rate: 0.2, noise: (index: number) => [index, 7] as const };
    const mean = scaledMask(tf, dropout, 3, [400, 400])?.mean().dataSync()[0];
    expect(mean).toBeCloseTo(1, 2);
    // Of the rate as it is rounded, so that the mean is 1 exactly: 51 of 256 are dropped.
    expect(dropoutScale(0.2)).toBe(256 / 205);
  });

  it('is nothing without dropout', () => {
    expect(scaledMask(tf, undefined, 0, [2, 2])).toBeUndefined();
  });
});
