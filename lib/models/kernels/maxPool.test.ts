import type { Tensor, Tensor4D } from '@tensorflow/tfjs-node';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadTensorflow, type Tf } from '../tensorflow.ts';
import { maxPool } from './maxPool.ts';
import { hasOneDnn } from './oneDnn.ts';
import { expectSame, expectSlopes, leftBehind, noiseTensor } from './testing.ts';

let tf: Tf;
beforeAll(async () => {
  tf = await loadTensorflow();
});

describe.each(['as the library has it', "by TensorFlow's own kernels"])('maxPool, %s', (which) => {
  const fused = (size: number) => (given: readonly Tensor[]) =>
    maxPool(tf, given[0] as Tensor4D, size, which.startsWith('as') && hasOneDnn(tf));
  const plain = (size: number) => (given: readonly Tensor[]) => tf.maxPool(given[0] as Tensor4D, size, size, 'valid');

  it("has the value and gradient of TensorFlow's, on sizes that leave a rest too", () => {
    for (const [size, shape] of [
      [2, [3, 6, 8, 16]],
      [2, [2, 7, 5, 3]],
      [3, [2, 10, 9, 5]],
    ] as const) {
      expectSame(tf, fused(size), plain(size), [noiseTensor(tf, shape, 1)]);
    }
  });

  it('gives the gradient to the first of equal pixels, as TensorFlow does', () => {
    const zeros = noiseTensor(tf, [2, 6, 6, 20], 2).relu();
    expectSame(tf, fused(2), plain(2), [zeros]);
    expectSame(tf, fused(2), plain(2), [tf.ones([1, 4, 4, 17])]);
  });

  it('has the gradient of finite differences', () =>
    expectSlopes(tf, fused(2), [noiseTensor(tf, [1, 4, 4, 3], 3).mul(3)]));

  it('leaves nothing behind', () => expect(leftBehind(tf, fused(2), [noiseTensor(tf, [1, 4, 4, 3], 4)])).toBe(0));
});
