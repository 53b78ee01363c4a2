import type { Scalar, Tensor, Tensor2D } from '@tensorflow/tfjs-node';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadTensorflow, type Tf } from '../tensorflow.ts';
import { lossAndGradients } from './gradients.ts';

let tf: Tf;
beforeAll(async () => {
  tf = await loadTensorflow();
});

/** The sum of two tensors, whose gradient is the very same tensor for both. */
function sum(a: Tensor, b: Tensor): Tensor {
  const operation = tf.customGrad((x, y) => ({
    value: tf.add(x as Tensor, y as Tensor),
    gradFunc: (dy: Tensor) => [dy, dy],
  }));
  return operation(a, b);
}

/** x, with a look at memory when its gradient is computed. */
function watched(x: Tensor, look: () => void): Tensor {
  const operation = tf.customGrad((input) => ({
    value: (input as Tensor).clone(),
    gradFunc: (dy: Tensor) => {
      look();
      return dy.mul(1);
    },
  }));
  return operation(x);
}

describe('lossAndGradients', () => {
  const weights = () =>
    [
      tf.tensor2d([
        [1, -2],
        [3, 0.5],
      ]),
      tf.tensor2d([
        [0.1, 0.2],
        [0.3, -0.4],
      ]),
    ] as const;

  it("gives tfjs's loss and gradients, where tensors are used twice and gradients handed on", () => {
    const [a, b] = weights();
    const loss = (x: Tensor, y: Tensor) => {
      const product = tf.matMul(x as Tensor2D, y as Tensor2D).tanh();
      const shared = sum(product.square(), sum(x.mul(3), y.exp()));
      return shared.mul(product).sum() as Scalar;
    };
    const expected = tf.grads((x, y) => loss(x, y))([a, b]);
    const { value, gradients } = lossAndGradients(tf, () => loss(a, b), [a, b]);
    expect(value.dataSync()).toEqual(loss(a, b).dataSync());
    for (const [index, gradient] of gradients.entries()) {
      expect(gradient?.dataSync()).toEqual(expected[index]?.dataSync());
    }
  });

  it('frees on the way back what gradients needed', () => {
    const x = tf.fill([100, 100], 0.5);
    const bytes: number[] = [];
    const before = tf.memory();
    const { value, gradients } = lossAndGradients(tf, () => {
      let y: Tensor = x;
      for (let layer = 0; layer < 10; layer++) y = watched(y.tanh(), () => bytes.push(tf.memory().numBytes));
      return y.sum() as Scalar;
    }, [x]);
    const layers = bytes.map((now) => Math.round((now - before.numBytes) / (100 * 100 * 4)));
    expect(layers).toHaveLength(10);
    // Each layer keeps its result until its gradient is known; of gradients, two are there at a time.
    expect(Math.max(...layers)).toBe(layers[0]);
    expect(layers.at(-1)).toBeLessThanOrEqual(3);
    expect(tf.memory().numTensors).toBe(before.numTensors + 2);
    tf.dispose([value, ...(gradients as Tensor[]), x]);
  });

  it('gives none for a weight that the loss does not depend on', () => {
    const [a, b] = weights();
    expect(lossAndGradients(tf, () => a.sum() as Scalar, [a, b]).gradients[1]).toBeUndefined();
  });
});
