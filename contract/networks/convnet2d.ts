import { z } from 'zod';
import { result } from '../params.ts';
import { kernel } from './kernel.ts';
import { trainingParams } from './training.ts';

const filters = z.number().int().min(1).max(4096);

/** `model: convnet2d`: see `lib/models/networks/convnet2d.ts`. */
export const convnet2dParams = z.strictObject({
  model: result(
    z.literal('convnet2d').describe("Two convolutions and a dense unit on the plots' pixels, trained in steps."),
  ),
  filters: result(
    z
      .tuple([filters, filters])
      .default([128, 128])
      .describe('Filters of the first and of the second convolution. Time and memory grow with them.'),
  ),
  kernels: result(
    z
      .tuple([kernel, kernel])
      .default([5, 3])
      .describe('Pixels on a side of the kernels of the first and of the second convolution: odd numbers.'),
  ),
  ...trainingParams({ optimizer: { sgd: { lr: 0.05, momentum: 0.9 } } }),
});

export type Convnet2dParams = z.output<typeof convnet2dParams>;
