import type { Tensor, Tensor1D, Tensor4D } from '@tensorflow/tfjs-node';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadTensorflow, type Tf } from '../tensorflow.ts';
import { normalizeBatch, normalizeBy } from './batchNorm.ts';
import { hasOneDnn } from './oneDnn.ts';
import { relu } from './relu.ts';
import { closeTo, expectSame, leftBehind, noise, noiseTensor, slopes } from './testing.ts';

let tf: Tf;
beforeAll(async () => {
  tf = await loadTensorflow();
});

describe('relu', () => {
  it("has the value and gradient of tfjs's own", () => {
    const x = tf.tensor2d(noise(60, 1), [6, 10]);
    const weights = tf.tensor2d(noise(60, 2), [6, 10]);
    closeTo(relu(tf, x), tf.relu(x));
    const gradient = (activation: (x: Tensor) => Tensor) => tf.grad((input) => activation(input).mul(weights).sum())(x);
    closeTo(
      gradient((input) => relu(tf, input)),
      gradient((input) => tf.relu(input)),
    );
  });

  it('has gradient 0 at 0', () => {
    expect([
      ...tf
        .grad((x) => relu(tf, x).sum())(tf.tensor1d([-1, 0, 2]))
        .dataSync(),
    ]).toEqual([0, 0, 1]);
  });
});

describe('normalizeBatch', () => {
  const shape: [number, number, number, number] = [3, 4, 5, 2];
  const count = 3 * 4 * 5;
  const inputs = () => ({
    x: tf.tensor4d(noise(120, 3), shape),
    scale: tf.tensor1d([1.5, -0.5]),
    offset: tf.tensor1d([0.25, 1]),
    weights: tf.tensor4d(noise(120, 4), shape),
  });
  const plain = (x: Tensor4D, scale: Tensor1D, offset: Tensor1D) => {
    const { mean, variance } = tf.moments(x, [0, 1, 2]);
    return x.sub(mean).div(variance.add(1e-3).sqrt()).mul(scale).add(offset) as Tensor4D;
  };
  const fused = (x: Tensor4D, scale: Tensor1D, offset: Tensor1D) => normalizeBatch(tf, x, scale, offset).value;

  it('has the value of the plain composition, and gives mean and unbiased variance', () => {
    const { x, scale, offset } = inputs();
    const { value, mean, variance } = normalizeBatch(tf, x, scale, offset);
    const moments = tf.moments(x, [0, 1, 2]);
    closeTo(value, plain(x, scale, offset));
    closeTo(mean, moments.mean);
    closeTo(variance, moments.variance.mul(count / (count - 1)));
  });

  it('has the gradients of the plain composition in input, scale and offset', () => {
    const { x, scale, offset, weights } = inputs();
    const gradients = (normalize: typeof plain) =>
      tf.grads((a, b, c) =>
        normalize(a as Tensor4D, b as Tensor1D, c as Tensor1D)
          .mul(weights)
          .sum(),
      )([x, scale, offset]);
    const [expected, actual] = [gradients(plain), gradients(fused)];
    for (const [index, gradient] of actual.entries()) closeTo(gradient, expected[index] as Tensor, 4);
  });

  it('has the gradient of finite differences', () => {
    const { x, scale, offset, weights } = inputs();
    const gradient = tf
      .grad((input) =>
        fused(input as Tensor4D, scale, offset)
          .mul(weights)
          .sum(),
      )(x)
      .dataSync();
    const places = [0, 17, 63, 119];
    const measured = slopes(
      [...x.dataSync()],
      places,
      (values) => fused(tf.tensor4d(values, shape), scale, offset).mul(weights).sum().dataSync()[0] as number,
    );
    for (const [index, place] of places.entries()) expect(gradient[place]).toBeCloseTo(measured[index] as number, 2);
  });

  it('with ReLU behind it is the same as both, in value, statistics and gradients', () => {
    const { x, scale, offset } = inputs();
    const composed = ([a, b, c]: readonly Tensor[]) => tf.relu(plain(a as Tensor4D, b as Tensor1D, c as Tensor1D));
    for (const oneDnn of [hasOneDnn(tf), false]) {
      const both = ([a, b, c]: readonly Tensor[]) => {
        const made = normalizeBatch(tf, a as Tensor4D, b as Tensor1D, c as Tensor1D, 'relu', oneDnn);
        tf.dispose([made.mean, made.variance]);
        return made.value;
      };
      for (const channels of [2, 16, 17]) {
        const of = (draw: number) => noiseTensor(tf, [channels], draw);
        const given = [noiseTensor(tf, [2, 3, 4, channels], 6), of(7), of(8)];
        expectSame(tf, both, composed, given, 3);
        expect(leftBehind(tf, both, given)).toBe(0);
      }
    }
    const [alone, fused] = [normalizeBatch(tf, x, scale, offset), normalizeBatch(tf, x, scale, offset, 'relu')];
    closeTo(fused.mean, alone.mean);
    closeTo(fused.variance, alone.variance);
  });

  it("by the batch's own biased statistics is what normalizeBy does with them", () => {
    const { x, scale, offset } = inputs();
    const { mean, variance } = tf.moments(x, [0, 1, 2]);
    closeTo(normalizeBy(tf, x, scale, offset, mean as Tensor1D, variance as Tensor1D), plain(x, scale, offset));
  });

  it('leaves nothing behind but what it returns', () => {
    const { x, scale, offset } = inputs();
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      const { mean, variance } = normalizeBatch(tf, x, scale, offset);
      tf.dispose([mean, variance]);
    });
    expect(tf.memory().numTensors).toBe(before);
  });
});
