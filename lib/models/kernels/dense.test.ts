import type { Tensor2D } from '@tensorflow/tfjs-node';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadTensorflow, type Tf } from '../tensorflow.ts';
import { denseInputGradient, partsOf } from './dense.ts';
import { closeTo, noiseTensor } from './testing.ts';

let tf: Tf;
beforeAll(async () => {
  tf = await loadTensorflow();
});

describe('denseInputGradient', () => {
  it('is dy times the transposed kernel, in any number of parts', () => {
    const kernel = noiseTensor(tf, [24, 40], 2) as Tensor2D;
    for (const rows of [96, 97, 64, 3]) {
      const dy = noiseTensor(tf, [rows, 40], 1) as Tensor2D;
      const expected = tf.matMul(dy, kernel, false, true);
      for (const threads of [1, 2, 3]) closeTo(denseInputGradient(tf, dy, kernel, threads), expected);
    }
  });

  it('leaves nothing behind', () => {
    const [dy, kernel] = [noiseTensor(tf, [96, 40], 1), noiseTensor(tf, [24, 40], 2)];
    denseInputGradient(tf, dy, kernel, 2).dispose();
    const before = tf.memory().numTensors;
    denseInputGradient(tf, dy, kernel, 2).dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('partsOf', () => {
  it('parts rows into equal parts, no more than threads and none too small', () => {
    expect(partsOf(176, 2)).toBe(2);
    expect(partsOf(165, 2)).toBe(1);
    expect(partsOf(165, 4)).toBe(3);
    expect(partsOf(176, 44)).toBe(4);
    expect(partsOf(16, 2)).toBe(1);
    expect(partsOf(0, 2)).toBe(1);
  });
});
