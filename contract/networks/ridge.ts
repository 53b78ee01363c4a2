import { z } from 'zod';
import { result } from '../params.ts';

/** `model: ridge`: see `lib/models/ridge/`. */
export const ridgeParams = z.strictObject({
  model: result(z.literal('ridge')),
  /**
   * The penalty on standardised coefficients, as a multiple of the number of plots. `auto` takes the one of a small grid with
   * the least validation MAE.
   */
  lambda: result(z.union([z.literal('auto'), z.number().min(0)]).default('auto')),
});

export type RidgeParams = z.output<typeof ridgeParams>;
