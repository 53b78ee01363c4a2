import type { Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs-node';
import { FurrowError } from '../../../contract/errors.ts';
import type { PooledCnnParams } from '../../../contract/networks/pooledCnn.ts';
import { dropoutMasks } from '../kernels/dropout.ts';
import { maxPool } from '../kernels/maxPool.ts';
import { only, spend } from '../kernels/operations.ts';
import type { Tf } from '../tensorflow.ts';
import { convolutionPlan } from './convolutionPlan.ts';
import { movingNorm, movingNormPlan } from './movingNorm.ts';
import type { ForwardPass, InputShape, Network, WeightPlan } from './network.ts';

/**
 * Convolutions, and one dense unit on their features' means over the plot. With the default sizes, on plots of 10x10 pixels in 7
 * channels:
 *
 * ```
 * [plots, 10, 10,  7]  the plot, standardised
 * [plots, 10, 10, 32]  convolution 3x3, same; batch normalisation; ReLU; pooled into fewer pixels where `shrink` says so
 *  ...                 as often as there are filters
 * [plots, 32]          mean over the pixels; dropout
 * [plots]              dense
 * ```
 *
 * The mean over pixels knows where in a plot something is no more, and leaves as many weights to learn for large plots as for
 * small ones. Lin, Chen, Yan: Network in network. ICLR 2014. https://arxiv.org/abs/1312.4400
 *
 * Convolutions have no bias: the batch normalisation behind them takes any away.
 */
export function pooledCnn({ filters, kernels, shrink, pooling, dropout }: PooledCnnParams): Network {
  const layers = filters.map((count, at) => ({
    name: `conv${at + 1}`,
    norm: `norm${at + 1}`,
    filters: count,
    kernel: Array.isArray(kernels) ? (kernels[at] as number) : kernels,
    shrink: shrink[at] ?? 1,
  }));
  const pool = (tf: Tf, x: Tensor4D, size: number) =>
    pooling === 'max' ? maxPool(tf, x, size) : tf.avgPool(x, size, size, 'valid');
  const features = filters.at(-1) as number;

  /** `[plots, features]`. What the next layer does not need is disposed at once: the tape keeps what gradients need, and no more. */
  const means = (pass: ForwardPass): Tensor2D => {
    const { tf, weight } = pass;
    let x = pass.x;
    for (const layer of layers) {
      const convolved = tf.conv2d(x, weight<Tensor4D>(`${layer.name}/kernel`), 1, 'same');
      if (x !== pass.x) x.dispose();
      const active = spend(convolved, movingNorm(pass, layer.norm, convolved, 'relu'));
      x = layer.shrink > 1 ? pool(tf, active, layer.shrink) : active;
      if (x !== active) active.dispose();
    }
    return x.mean<Tensor2D>([1, 2]);
  };

  return {
    plan({ height, width, channels }: InputShape): readonly WeightPlan[] {
      const shrunk = layers.reduce((product, layer) => product * layer.shrink, 1);
      if (Math.min(height, width) < shrunk) {
        throw new FurrowError(
          'CONFIG_INVALID',
          `Expected plots of at least ${shrunk}x${shrunk} pixels for \`shrink\` ${shrink.join(', ')}, got ${height}x${width}`,
        );
      }
      return [
        ...layers.flatMap(({ name, norm, filters: to, kernel }, at) => {
          const from = layers[at - 1]?.filters ?? channels;
          return [convolutionPlan(name, kernel, from, to), ...movingNormPlan(norm, to)];
        }),
        {
          name: 'dense/kernel',
          shape: [features, 1],
          initial: { glorot: { fanIn: features, fanOut: 1 } },
          trainable: true,
        },
        { name: 'dense/bias', shape: [1], initial: 'zeros', trainable: true },
      ];
    },

    forward(pass: ForwardPass): Tensor1D {
      const { tf, x, weight, training } = pass;
      const pooled = means(pass);
      const kept =
        training && dropout > 0
          ? pooled.mul<Tensor2D>(only(dropoutMasks(tf, training.noise(0), dropout, [pooled.shape])))
          : pooled;
      return tf
        .matMul(kept, weight<Tensor2D>('dense/kernel'))
        .add(weight<Tensor1D>('dense/bias'))
        .reshape([x.shape[0]]);
    },

    features: means,
  };
}
