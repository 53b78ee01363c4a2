import type { Tensor } from '@tensorflow/tfjs-node';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadTensorflow, type Tf } from '../tensorflow.ts';
import { layerNorm, layerNormEpsilon, layerNormGradient } from './layerNorm.ts';
import { expectSame, expectSlopes, leftBehind, noiseTensor, operation } from './testing.ts';

let tf: Tf;
beforeAll(async () => {
  tf = await loadTensorflow();
});

describe('layerNorm', () => {
  const inputs = () => [noiseTensor(tf, [6, 10], 1), noiseTensor(tf, [10], 2), noiseTensor(tf, [10], 3)];
  const fused = (given: readonly Tensor[]) => {
    const [x, scale, offset] = given as [Tensor, Tensor, Tensor];
    return operation(
      tf,
      given,
      () => layerNorm(tf, x, scale, offset),
      (dy, saved) => {
        const gradient = layerNormGradient(tf, dy, saved, scale);
        return [gradient.x, gradient.scale, gradient.offset];
      },
    );
  };
  const plain = ([x, scale, offset]: readonly Tensor[]) => {
    const { mean, variance } = tf.moments(x as Tensor, 1, true);
    return (x as Tensor)
      .sub(mean)
      .div(variance.add(layerNormEpsilon).sqrt())
      .mul(scale as Tensor)
      .add(offset as Tensor);
  };

  it('has the value and gradients of the plain composition', () => expectSame(tf, fused, plain, inputs()));
  it('has the gradients of finite differences', () => expectSlopes(tf, fused, inputs()));
  it('leaves nothing behind', () => expect(leftBehind(tf, fused, inputs())).toBe(0));

  it('is the same for a row whatever its mean and size', () => {
    const [x, scale, offset] = inputs() as [Tensor, Tensor, Tensor];
    const value = (of: Tensor) => [...layerNorm(tf, of, scale, offset).value.dataSync()];
    const [one, other] = [value(x), value(x.mul(7).add(3))];
    for (const [index, number] of other.entries()) expect(number).toBeCloseTo(one[index] as number, 3);
  });
});
