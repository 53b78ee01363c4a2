/** A small network and its training, for tests of what trains any network. */
import type { Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs-node';
import type { OptimizerParams } from '../../../contract/networks/training.ts';
import type { ForwardPass, Network } from '../networks/network.ts';
import { uniforms } from '../random.ts';
import type { Tf } from '../tensorflow.ts';
import { lossFor } from '../trainer/loss.ts';
import type { StepResult, Variables } from '../trainer/variables.ts';

const [height, width, channels] = [3, 2, 2];
const [plots, features] = [6, height * width * channels];
export const toyInput = { height, width, channels };

/** A dense layer that drops out at random, less a moving mean; then a dense unit that learns at half the rate. */
export function toyNetwork(hidden = 8): Network {
  return {
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
      const active = tf.matMul(flat, weight<Tensor2D>('in/kernel')).add<Tensor2D>(weight('in/bias')).tanh();
      if (!training) return dense(active.sub(weight('mean')), weight('out/kernel'));
      const mean = active.mean(0);
      training.assign('mean', weight('mean').mul(0.9).add(mean.mul(0.1)));
      const dropped = tf.randomUniform(active.shape, 0, 2, 'float32', training.noise(0)[0]);
      return dense(active.sub(mean).mul(dropped), weight('out/kernel'));
    },
    features: ({ x }) => x.reshape([x.shape[0], features]),
  };
}

function dense(x: Tensor2D, kernel: Tensor2D): Tensor1D {
  return x.matMul(kernel).reshape([x.shape[0]]);
}

const betas = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
export const toyOptimizers: Readonly<Record<'sgd' | 'momentum' | 'adam' | 'adamw', OptimizerParams>> = {
  sgd: { sgd: { lr: 0.1, momentum: 0 } },
  momentum: { sgd: { lr: 0.1, momentum: 0.9 } },
  adam: { adam: { lr: 0.01, ...betas } },
  adamw: { adamw: { lr: 0.01, ...betas, weightDecay: 0.1 } },
};

/** A batch that depends on the step alone. */
export function toyBatch(tf: Tf, step: number): { readonly x: Tensor4D; readonly targets: Tensor1D } {
  const draws = uniforms({ seed: 1, use: 'order', step }, plots * (features + 1));
  return {
    x: tf.tensor4d(Float32Array.from(draws.subarray(plots)), [plots, height, width, channels]),
    targets: tf.tensor1d(Float32Array.from(draws.subarray(0, plots))),
  };
}

/** Takes steps `from` to `to` - 1, at a rate that falls. */
export function trainToy(tf: Tf, network: Network, variables: Variables, from: number, to: number): StepResult[] {
  const results = [];
  for (let step = from; step < to; step++) {
    const { x, targets } = toyBatch(tf, step);
    results.push(variables.step(network, x, targets, { step, rate: 1 / (1 + step), loss: lossFor('mse') }));
    tf.dispose([x, targets]);
  }
  return results;
}
