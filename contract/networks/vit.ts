import { z } from 'zod';
import { result } from '../params.ts';
import { trainingParams } from './training.ts';

const pixels = z.number().int().min(1).max(4096);

/** `model: vit`: see `lib/models/networks/vit.ts`. */
export const vitParams = z.strictObject({
  model: result(
    z.literal('vit').describe('A vision transformer: patches of the plot as tokens that attend to each other.'),
  ),
  patch: result(
    z
      .tuple([pixels, pixels])
      .default([32, 53])
      .describe('Height and width of a patch, in pixels. They must divide those of a plot.'),
  ),
  width: result(z.number().int().min(1).max(8192).default(512).describe('Numbers of a token.')),
  blocks: result(z.number().int().min(1).max(48).default(2).describe('Attention and MLP, so many times in a row.')),
  heads: result(
    z.number().int().min(1).max(128).default(4).describe('Attentions side by side in a block; each has width / heads.'),
  ),
  mlp: result(z.number().int().min(1).max(32768).default(1048).describe("Units of a block's MLP.")),
  dropout: result(
    z
      .number()
      .min(0)
      .max(0.9)
      .default(0.2)
      .describe('Share of numbers set to 0 at each place that drops out, in steps of 1/256. 0: none.'),
  ),
  ...trainingParams({ optimizer: { adamw: { lr: 0.0003 } } }),
});

export type VitParams = z.output<typeof vitParams>;

/** What a schema cannot say of one parameter alone; by parameter. */
export function vitProblems({ width, heads }: { readonly width?: number; readonly heads?: number }) {
  if (width === undefined || heads === undefined || width % heads === 0) return [];
  return [{ path: 'heads', message: `Expected a divisor of \`width\`, ${width}, got ${heads}` }];
}
