import { z } from 'zod';
import { result } from '../params.ts';

/** `model: ridge`: see `lib/models/ridge/`. */
export const ridgeParams = z.strictObject({
  model: result(
    z
      .literal('ridge')
      .describe(
        "A linear model of each channel's mean and standard deviation, in closed form: the baseline of a network.",
      ),
  ),
  lambda: result(
    z
      .union([z.literal('auto'), z.number().min(0)])
      .default('auto')
      .describe(
        'Penalty on the squared coefficients of standardised features, beside the mean squared error; 0 is least squares. `auto` takes the one of 1e-6 to 10, by powers of ten, with the least validation MAE.',
      ),
  ),
});

export type RidgeParams = z.output<typeof ridgeParams>;
