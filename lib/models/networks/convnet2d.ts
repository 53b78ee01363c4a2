import type { Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs-node';
import { FurrowError } from '../../../contract/errors.ts';
import type { Convnet2dParams } from '../../../contract/networks/convnet2d.ts';
import { convolution } from '../kernels/convolution.ts';
import { maxPool } from '../kernels/maxPool.ts';
import { spend } from '../kernels/operations.ts';
import { relu } from '../kernels/relu.ts';
import { convolutionPlan } from './convolutionPlan.ts';
import { movingNorm, movingNormPlan } from './movingNorm.ts';
import type { ForwardPass, InputShape, Network, WeightPlan } from './network.ts';

/**
 * Two convolutions and one dense unit. With the default sizes, on plots of 160x106 pixels in 4 channels:
 *
 * ```
 * [plots, 160, 106, 4]    the plot, standardised
 * [plots, 156, 102, 128]  convolution 5x5, valid; batch normalisation; ReLU
 * [plots, 154, 100, 128]  convolution 3x3, valid; batch normalisation; ReLU
 * [plots,  77,  50, 128]  max pooling 2x2
 * [plots]                 dense on 492,800 features
 * ```
 *
 * Training takes 14.4 GFLOP a plot (three times the forward pass; the first convolution needs no gradient in its input).
 * Convolutions have no bias: the batch normalisation behind them takes any away. Pooling comes before the second ReLU: they
 * commute, in value and in gradient, and ReLU has a quarter of the work.
 *
 * The dense unit learns at 1 / features of the learning rate. A step of plain SGD moves a prediction by the learning rate
 * times the sum of the squared features: 0.001 x 492,800 is hundreds of standard deviations, and the loss only swings. Divided
 * by the features, a learning rate means the same for plots of every size. It starts at zero, so that the first prediction is
 * the targets' mean: what random weights add there would be noise that so small a rate never unlearns.
 */
export function convnet2d({ filters, kernels }: Convnet2dParams): Network {
  const [filters1, filters2] = filters;
  const [kernel1, kernel2] = kernels;

  return {
    plan({ height, width, channels }: InputShape): readonly WeightPlan[] {
      const pooled = { height: half(height - kernel1 - kernel2 + 2), width: half(width - kernel1 - kernel2 + 2) };
      if (pooled.height < 1 || pooled.width < 1) {
        const least = kernel1 + kernel2;
        throw new FurrowError(
          'CONFIG_INVALID',
          `Expected plots of at least ${least}x${least} pixels for kernels ${kernel1} and ${kernel2}, got ${height}x${width}`,
        );
      }
      const features = pooled.height * pooled.width * filters2;
      return [
        convolutionPlan('conv1', kernel1, channels, filters1),
        ...movingNormPlan('norm1', filters1),
        convolutionPlan('conv2', kernel2, filters1, filters2),
        ...movingNormPlan('norm2', filters2),
        {
          name: 'dense/kernel',
          shape: [features, 1],
          initial: 'zeros',
          trainable: true,
          rate: 1 / features,
        },
        { name: 'dense/bias', shape: [1], initial: 'zeros', trainable: true },
      ];
    },

    forward(pass: ForwardPass): Tensor1D {
      const { tf, x, weight } = pass;
      const flat = activations(pass).reshape<Tensor2D>([x.shape[0], -1]);
      const dense = tf.matMul(flat, weight<Tensor2D>('dense/kernel')).add(weight<Tensor1D>('dense/bias'));
      return dense.reshape([x.shape[0]]);
    },

    features: (pass) => activations(pass).mean<Tensor2D>([1, 2]),
  };
}

/** `[plots, height, width, filters]`. What the next layer does not need is disposed at once: the tape keeps what gradients need, and no more. */
function activations(pass: ForwardPass): Tensor4D {
  const { tf, x, weight } = pass;
  const convolved1 = convolution(tf, x, weight<Tensor4D>('conv1/kernel'), false);
  const active1 = spend(convolved1, movingNorm(pass, 'norm1', convolved1, 'relu'));
  const convolved2 = spend(active1, convolution(tf, active1, weight<Tensor4D>('conv2/kernel')));
  const normal2 = spend(convolved2, movingNorm(pass, 'norm2', convolved2));
  const pooled = spend(normal2, maxPool(tf, normal2, 2));
  return spend(pooled, relu(tf, pooled));
}

function half(size: number): number {
  return Math.floor(size / 2);
}
