import type { Tensor, Tensor4D } from '@tensorflow/tfjs-node';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadTensorflow, type Tf } from '../tensorflow.ts';
import { convolution, filterGradient } from './convolution.ts';
import { closeTo, expectSame, expectSlopes, leftBehind, noiseTensor } from './testing.ts';

let tf: Tf;
beforeAll(async () => {
  tf = await loadTensorflow();
});

describe('convolution', () => {
  const inputs = (channels: number) => [
    noiseTensor(tf, [3, 3, channels, 5], 1),
    noiseTensor(tf, [2, 6, 7, channels], 2),
  ];
  const fused = ([filters, x]: readonly Tensor[]) => convolution(tf, x as Tensor4D, filters as Tensor4D);
  const plain = ([filters, x]: readonly Tensor[]) => tf.conv2d(x as Tensor4D, filters as Tensor4D, 1, 'valid');

  it("has the value and gradients of tfjs's, with few channels and with many", () => {
    for (const channels of [2, 32]) expectSame(tf, fused, plain, inputs(channels), 3);
  });

  it('has the gradients of finite differences', () => {
    for (const channels of [2, 32]) expectSlopes(tf, fused, inputs(channels), 1);
  });

  it('takes no gradient in pixels when told so', () => {
    const [filters, x] = inputs(2) as [Tensor, Tensor4D];
    const gradient = (take: (filters: Tensor) => Tensor) => tf.grad((given) => take(given).sum())(filters);
    closeTo(
      gradient((given) => convolution(tf, x, given as Tensor4D, false)),
      gradient((given) => plain([given, x])),
      4,
    );
  });

  it('leaves nothing behind', () => {
    for (const channels of [2, 32]) expect(leftBehind(tf, fused, inputs(channels))).toBe(0);
  });
});

describe('filterGradient', () => {
  it("is tfjs's, for filters of every size and pixels in any number of parts", () => {
    const x = noiseTensor(tf, [3, 8, 9, 4], 1) as Tensor4D;
    for (const size of [1, 3, 5]) {
      const dy = noiseTensor(tf, [3, 9 - size, 10 - size, 6], size) as Tensor4D;
      const expected = tf.grad((filters) =>
        tf
          .conv2d(x, filters as Tensor4D, 1, 'valid')
          .mul(dy)
          .sum(),
      )(tf.zeros([size, size, 4, 6]));
      for (const chunk of [7, 50, 10_000]) closeTo(filterGradient(tf, dy, x, size, chunk), expected, 4);
    }
  });
});
