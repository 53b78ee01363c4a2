import { z } from 'zod';
import { result } from '../params.ts';
import { kernel } from './kernel.ts';
import { trainingParams } from './training.ts';

/** `model: pooled-cnn`: see `lib/models/networks/pooledCnn.ts`. */
export const pooledCnnParams = z.strictObject({
  model: result(
    z
      .literal('pooled-cnn')
      .describe(
        'Small convolutions whose features are averaged over the plot: few weights, for few plots, whatever their size.',
      ),
  ),
  filters: result(
    z
      .array(z.number().int().min(1).max(1024))
      .min(1)
      .max(12)
      .default([32, 32, 32])
      .describe('Filters of each convolution, one after another.'),
  ),
  kernels: result(
    z
      .union([kernel, z.array(kernel)])
      .default(3)
      .describe("Pixels on a side of the kernels, odd numbers: one for all convolutions, or each one's own."),
  ),
  shrink: result(
    z
      .array(z.number().int().min(1).max(16))
      .default([])
      .describe(
        'Pixels on a side that become one after each convolution; 1, or nothing more in the list, keeps all. Large plots want it early: time and memory fall with its square.',
      ),
  ),
  pooling: result(
    z
      .enum(['mean', 'max'])
      .default('mean')
      .describe('What becomes of the pixels that `shrink` makes one: their mean, or the most of each feature.'),
  ),
  dropout: result(
    z.number().min(0).max(0.9).default(0).describe('Share of the averaged features that a training step leaves out.'),
  ),
  ...trainingParams({ optimizer: { adamw: { lr: 0.003 } } }),
});

export type PooledCnnParams = z.output<typeof pooledCnnParams>;

/** Lists must be of one length; gives what is wrong, by parameter. */
export function pooledCnnProblems({
  filters,
  kernels,
  shrink,
}: Pick<PooledCnnParams, 'filters' | 'kernels' | 'shrink'>): { readonly path: string; readonly message: string }[] {
  const problems = [];
  if (Array.isArray(kernels) && kernels.length !== filters.length)
    problems.push({
      path: 'kernels',
      message: `Expected one kernel for each of ${filters.length} \`filters\`, got ${kernels.length}`,
    });
  if (shrink.length > filters.length)
    problems.push({
      path: 'shrink',
      message: `Expected at most one for each of ${filters.length} \`filters\`, got ${shrink.length}`,
    });
  return problems;
}
