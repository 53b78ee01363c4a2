import { z } from 'zod';
import { result } from '../params.ts';
import { trainingParams } from './training.ts';

/** Odd, so that a kernel has a middle pixel. */
const kernel = z
  .number()
  .int()
  .min(1)
  .max(15)
  .refine((size) => size % 2 === 1, 'Expected an odd number of pixels');
const filters = z.number().int().min(1).max(4096);

/** `model: convnet2d`: see `lib/models/networks/convnet2d.ts`. */
export const convnet2dParams = z.strictObject({
  model: result(z.literal('convnet2d')),
  /** Of the first and the second convolution. */
  filters: result(z.tuple([filters, filters]).default([128, 128])),
  /** Pixels on a side, of the first and the second convolution. */
  kernels: result(z.tuple([kernel, kernel]).default([5, 3])),
  ...trainingParams(),
});

export type Convnet2dParams = z.output<typeof convnet2dParams>;
