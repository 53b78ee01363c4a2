/** What the kernels' tests share: numbers to try, comparison, and slopes by central differences. */
import type { Tensor } from '@tensorflow/tfjs-node';
import { expect } from 'vitest';
import { uniforms } from '../random.ts';
import type { Tf } from '../tensorflow.ts';
import { differentiable } from './differentiable.ts';

/** In [-1, 1), the same for the same `draw`. */
export function noise(length: number, draw: number): number[] {
  return [...uniforms({ seed: 5, use: 'weights', step: draw }, length)].map((value) => 2 * value - 1);
}

export function noiseTensor(tf: Tf, shape: readonly number[], draw: number): Tensor {
  const length = shape.reduce((product, size) => product * size, 1);
  return tf.tensor(noise(length, draw), [...shape]);
}

export function closeTo(actual: Tensor, expected: Tensor, digits = 5): void {
  const [a, b] = [actual.dataSync(), expected.dataSync()];
  expect(actual.shape).toEqual(expected.shape);
  for (let index = 0; index < a.length; index++) expect(a[index]).toBeCloseTo(b[index] as number, digits);
}

/** Central differences of `loss` in the numbers at `places` of `values`. */
export function slopes(
  values: readonly number[],
  places: readonly number[],
  loss: (values: number[]) => number,
): number[] {
  const half = 1e-2;
  return places.map((place) => {
    const at = (delta: number) => loss(values.map((value, index) => (index === place ? value + delta : value)));
    return (at(half) - at(-half)) / (2 * half);
  });
}

type Function = (inputs: readonly Tensor[]) => Tensor;

/** Value and gradients of a weighted sum of the results, in all inputs, are those of the plain composition. */
export function expectSame(tf: Tf, fused: Function, plain: Function, inputs: readonly Tensor[], digits = 4): void {
  const expected = plain(inputs);
  closeTo(fused(inputs), expected, digits);
  const weights = noiseTensor(tf, expected.shape, 99);
  const gradients = (of: Function) => tf.grads((...given) => of(given).mul(weights).sum())([...inputs]);
  const wanted = gradients(plain);
  for (const [index, gradient] of gradients(fused).entries()) closeTo(gradient, wanted[index] as Tensor, digits);
}

/** The gradients in all inputs are central differences of the value, at some places of each input. */
export function expectSlopes(tf: Tf, fused: Function, inputs: readonly Tensor[], digits = 2): void {
  const weights = noiseTensor(tf, fused(inputs).shape, 98);
  const loss = (given: readonly Tensor[]) => fused(given).mul(weights).sum();
  const gradients = tf.grads((...given) => loss(given))([...inputs]);
  for (const [index, input] of inputs.entries()) {
    const places = [...new Set([0, Math.floor(input.size / 3), input.size - 1])];
    const measured = slopes([...input.dataSync()], places, (values) => {
      const moved = inputs.map((other, at) => (at === index ? tf.tensor(values, input.shape) : other));
      return loss(moved).dataSync()[0] as number;
    });
    const gradient = (gradients[index] as Tensor).dataSync();
    for (const [at, place] of places.entries()) expect(gradient[place]).toBeCloseTo(measured[at] as number, digits);
  }
}

/** Tensors that a gradient leaves behind once its results are disposed. */
export function leftBehind(tf: Tf, fused: Function, inputs: readonly Tensor[]): number {
  const once = () => tf.dispose(tf.grads((...given) => fused(given).sum())([...inputs]));
  once(); // Constants are made once.
  const before = tf.memory().numTensors;
  once();
  return tf.memory().numTensors - before;
}

/** A value with its gradient written out, as an operation: for kernels that others are made of. */
export function operation<S extends object>(
  tf: Tf,
  inputs: readonly Tensor[],
  forward: () => { value: Tensor; saved: S },
  backward: (dy: Tensor, saved: S) => Tensor[],
): Tensor {
  return differentiable(tf, inputs, { forward, backward });
}
