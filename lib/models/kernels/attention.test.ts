import type { Tensor } from '@tensorflow/tfjs-node';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadTensorflow, type Tf } from '../tensorflow.ts';
import { attention, attentionGradient, softmaxGradient } from './attention.ts';
import { unary } from './operations.ts';
import { expectSame, expectSlopes, leftBehind, noiseTensor, operation } from './testing.ts';

let tf: Tf;
beforeAll(async () => {
  tf = await loadTensorflow();
});

describe('softmaxGradient', () => {
  const inputs = () => [noiseTensor(tf, [3, 4, 5], 1)];
  const fused = (given: readonly Tensor[]) =>
    operation(
      tf,
      given,
      () => {
        const value = unary(tf, 'Softmax', given[0] as Tensor);
        return { value, saved: { value } };
      },
      (dy, { value }) => [softmaxGradient(tf, dy, value)],
    );
  const plain = ([x]: readonly Tensor[]) => {
    const powers = (x as Tensor).exp();
    return powers.div(powers.sum(-1, true));
  };

  it('is the gradient of the plain composition', () => expectSame(tf, fused, plain, inputs()));
  it('is the gradient of finite differences', () => expectSlopes(tf, fused, inputs()));
});

describe('attention', () => {
  const shape = { plots: 2, tokens: 3, heads: 2, size: 4 };
  const inputs = () => [noiseTensor(tf, [6, 24], 1)];
  const fused = (given: readonly Tensor[]) =>
    operation(
      tf,
      given,
      () => attention(tf, given[0] as Tensor, shape),
      (dy, saved) => [attentionGradient(tf, dy, saved, shape)],
    );
  /** Plot by plot, head by head. */
  const plain = ([projected]: readonly Tensor[]) => {
    const { plots, tokens, heads, size } = shape;
    const width = heads * size;
    const ofPlot = (plot: number) => {
      const ofHead = (head: number) => {
        const part = (which: number) =>
          (projected as Tensor).slice([plot * tokens, which * width + head * size], [tokens, size]);
        const scores = tf.matMul(part(0), part(1), false, true).div(Math.sqrt(size));
        return tf.matMul(tf.softmax(scores), part(2));
      };
      return tf.concat(
        Array.from({ length: heads }, (_, head) => ofHead(head)),
        1,
      );
    };
    return tf.concat(
      Array.from({ length: plots }, (_, plot) => ofPlot(plot)),
      0,
    );
  };

  it('has the value and gradient of the plain composition', () => expectSame(tf, fused, plain, inputs()));
  it('has the gradient of finite differences', () => expectSlopes(tf, fused, inputs()));
  it('leaves nothing behind', () => expect(leftBehind(tf, fused, inputs())).toBe(0));
});
