import type { Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs-node';
import { beforeAll, describe, expect, it } from 'vitest';
import type { OptimizerParams } from '../../../contract/networks/training.ts';
import type { ForwardPass, Network } from '../networks/network.ts';
import { uniforms } from '../random.ts';
import { loadTensorflow, type Tf } from '../tensorflow.ts';
import { lossFor } from './loss.ts';
import { Variables, type VariablesOptions } from './variables.ts';

let tf: Tf;
beforeAll(async () => {
  tf = await loadTensorflow();
});

const [plots, features, hidden] = [6, 12, 8];

/** A dense layer that drops out at random, a norm with moving statistics, a dense unit at a rate of its own. */
const network: Network = {
  plan: () => [
    {
      name: 'in/kernel',
      shape: [features, hidden],
      initial: { glorot: { fanIn: features, fanOut: hidden } },
      trainable: true,
    },
    { name: 'in/bias', shape: [hidden], initial: 'zeros', trainable: true },
    { name: 'mean', shape: [hidden], initial: 'zeros', trainable: false },
    {
      name: 'out/kernel',
      shape: [hidden, 1],
      initial: { glorot: { fanIn: hidden, fanOut: 1 } },
      trainable: true,
      rate: 0.5,
    },
  ],
  forward({ tf, x, weight, training }: ForwardPass): Tensor1D {
    const flat = x.reshape<Tensor2D>([x.shape[0], features]);
    let active = tf.matMul(flat, weight<Tensor2D>('in/kernel')).add(weight('in/bias')).tanh();
    if (training) {
      const mean = active.mean(0);
      training.assign('mean', weight('mean').mul(0.9).add(mean.mul(0.1)));
      const [word] = training.noise(0);
      active = active.sub(mean).mul(tf.randomUniform(active.shape, 0, 2, 'float32', word));
    } else {
      active = active.sub(weight('mean'));
    }
    return tf.matMul(active as Tensor2D, weight<Tensor2D>('out/kernel')).reshape([x.shape[0]]);
  },
};

const optimizers: Readonly<Record<string, OptimizerParams>> = {
  sgd: { sgd: { lr: 0.1, momentum: 0 } },
  momentum: { sgd: { lr: 0.1, momentum: 0.9 } },
  adam: { adam: { lr: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } },
  adamw: { adamw: { lr: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.1 } },
};
const names = Object.keys(optimizers);

function made(optimizer: string, options: Partial<VariablesOptions> = {}): Variables {
  return new Variables({
    tf,
    plan: network.plan({ height: 3, width: 2, channels: 2 }),
    optimizer: optimizers[optimizer] as OptimizerParams,
    seed: 3,
    member: 0,
    ...options,
  });
}

/** Some steps, each on a batch of its own. */
function train(variables: Variables, from: number, to: number) {
  const results = [];
  for (let step = from; step < to; step++) {
    const draws = uniforms({ seed: 1, use: 'order', step }, plots * (features + 1));
    const x = tf.tensor4d(Float32Array.from(draws.subarray(plots)), [plots, 3, 2, 2]) as Tensor4D;
    const targets = tf.tensor1d(Float32Array.from(draws.subarray(0, plots)));
    results.push(variables.step(network, x, targets, { step, rate: 1 / (1 + step), loss: lossFor('mse') }));
    tf.dispose([x, targets]);
  }
  return results;
}

describe.each(names)('a training by %s', (optimizer) => {
  it('stopped at any step and gone on from its snapshot, ends bit for bit where it would have', () => {
    const options = { clipNorm: 0.2, averaging: 0.8 };
    const whole = made(optimizer, options);
    const results = train(whole, 0, 6);
    const expected = whole.snapshot('all');
    for (const stop of [0, 1, 3, 5]) {
      const first = made(optimizer, options);
      train(first, 0, stop);
      const stored = first.snapshot('all');
      const kept = structuredClone(stored);
      first.dispose();
      const rest = made(optimizer, { ...options, seed: 3, stored });
      expect(train(rest, stop, 6)).toEqual(results.slice(stop));
      expect(rest.snapshot('all')).toEqual(expected);
      // What is handed in is read only: updates in place must not reach it.
      expect(stored).toEqual(kept);
      rest.dispose();
    }
    whole.dispose();
  });

  it('holds as many tensors and bytes after fifty steps as before, and none in the end', () => {
    const before = tf.memory();
    const variables = made(optimizer, { clipNorm: 0.2, averaging: 0.8 });
    const during = tf.memory();
    train(variables, 0, 50);
    expect(variables.areFinite()).toBe(true);
    variables.snapshot('all');
    expect([tf.memory().numTensors, tf.memory().numBytes]).toEqual([during.numTensors, during.numBytes]);
    variables.dispose();
    expect([tf.memory().numTensors, tf.memory().numBytes]).toEqual([before.numTensors, before.numBytes]);
  });
});
