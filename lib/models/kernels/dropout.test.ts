import type { Tensor } from '@tensorflow/tfjs-node';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadTensorflow, type Tf } from '../tensorflow.ts';
import { dropoutMasks } from './dropout.ts';

let tf: Tf;
beforeAll(async () => {
  tf = await loadTensorflow();
});

describe('dropoutMasks', () => {
  const drawn = (seed: readonly [number, number], rate = 0.2, shapes: readonly (readonly number[])[] = [[100, 101]]) =>
    dropoutMasks(tf, seed, rate, shapes).map((mask) => [...mask.dataSync()]);
  const one = (seed: readonly [number, number], rate?: number) => drawn(seed, rate)[0] as number[];

  it('are zeros at about the rate, and else what keeps the mean', () => {
    const mask = one([1, 2]);
    // Of the rate as it is rounded: 51 of 256 are dropped.
    expect(new Set(mask)).toEqual(new Set([0, Math.fround(256 / 205)]));
    const zeros = mask.filter((value) => value === 0).length / mask.length;
    // Five standard deviations of 10,100 draws.
    expect(Math.abs(zeros - 0.2)).toBeLessThan(0.02);
    const large = dropoutMasks(tf, [3, 7], 0.2, [[400, 400]])[0] as Tensor;
    expect(large.mean().dataSync()[0]).toBeCloseTo(1, 2);
  });

  it('are the same for the same seed, and others for another', () => {
    expect(drawn([1, 2])).toEqual(drawn([1, 2]));
    expect(drawn([1, 2])).not.toEqual(drawn([1, 3]));
    expect(drawn([1, 2])).not.toEqual(drawn([2, 2]));
  });

  it('have their shapes, and no numbers in common', () => {
    const shapes = [[3, 1, 7], [5], [40, 5]];
    expect(dropoutMasks(tf, [1, 2], 0.5, shapes).map(({ shape }) => shape)).toEqual(shapes);
    const apart = drawn([1, 2], 0.5, [[21], [5], [200]]).flat();
    expect(apart).toEqual(drawn([1, 2], 0.5, [[226]]).flat());
  });

  it('drop nothing at rate 0, and never all', () => {
    expect(one([1, 2], 0).every((value) => value === 1)).toBe(true);
    expect(one([1, 2], 0.999).some((value) => value > 0)).toBe(true);
  });

  it('leave nothing behind but the masks', () => {
    const once = () => tf.dispose(dropoutMasks(tf, [1, 2], 0.2, [[100, 101], [3, 5]])); // biome-ignore format: two shapes
    once(); // Constants are made once.
    const before = tf.memory().numTensors;
    once();
    expect(tf.memory().numTensors).toBe(before);
  });
});
