import { z } from 'zod';

/** Pixels on a side of a convolution's kernel: odd, so that it has a middle pixel. */
export const kernel = z
  .number()
  .int()
  .min(1)
  .max(15)
  .refine((size) => size % 2 === 1, 'Expected an odd number of pixels');
