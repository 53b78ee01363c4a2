import type { Tensor } from '@tensorflow/tfjs-node';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadTensorflow, type Tf } from '../tensorflow.ts';
import { gelu, geluGradient } from './gelu.ts';
import { expectSame, expectSlopes, leftBehind, noiseTensor, operation } from './testing.ts';

let tf: Tf;
beforeAll(async () => {
  tf = await loadTensorflow();
});

describe('gelu', () => {
  const inputs = () => [noiseTensor(tf, [8, 9], 1).mul(3)];
  const fused = (given: readonly Tensor[]) =>
    operation(
      tf,
      given,
      () => gelu(tf, given[0] as Tensor),
      (dy, saved) => [geluGradient(tf, dy, saved)],
    );
  const plain = ([x]: readonly Tensor[]) =>
    (x as Tensor).mul(
      tf
        .erf((x as Tensor).div(Math.SQRT2))
        .add(1)
        .div(2),
    );

  it('has the value and gradient of the plain composition', () => expectSame(tf, fused, plain, inputs()));
  it('has the gradient of finite differences', () => expectSlopes(tf, fused, inputs()));
  it('leaves nothing behind', () => expect(leftBehind(tf, fused, inputs())).toBe(0));

  it('is the exact one: at 1, the normal distribution there', () => {
    expect(gelu(tf, tf.tensor1d([1, 0, -1])).value.dataSync()[0]).toBeCloseTo(0.8413447, 6);
  });
});
