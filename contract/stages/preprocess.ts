import { z } from 'zod';
import { result } from '../params.ts';
import { defineStage } from '../stage.ts';

const bandName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_-]*$/, 'Expected a band name of letters, digits, `_` and `-`');
const share = z.number().min(0).max(0.9);
const pixels = z.int().min(1).max(8192);

/** The bands that each index cannot do without. How they make it is computed, and stands, in `lib/data/plot/indices.ts`. */
export const indexBands = {
  ndvi: ['nir', 'red'],
  ndre: ['nir', 'red_edge'],
  gndvi: ['nir', 'green'],
} as const;

const labels = z.strictObject({
  file: z.string().default('labels.csv').describe('A CSV file in the source, with a header and a row a plot.'),
  plot: z.string().default('plot').describe("The column with the plots' names."),
  target: z.string().describe('The column with the numbers to predict.'),
  split: z.string().optional().describe('The column that says train, validation or test.'),
  group: z.string().optional().describe('The column with the group, which a split never parts.'),
  unit: z.string().default('').describe("The target's unit, for axes and tables."),
});

const params = z
  .strictObject({
    bands: result(
      z
        .array(bandName)
        .min(1)
        .max(64)
        .refine((bands) => new Set(bands).size === bands.length, 'Expected each band once')
        .default(['green', 'red', 'red_edge', 'nir'])
        .describe(
          'Bands in the order of the channels. Files of another band are ignored where most plots have it, and bad input where only some do.',
        ),
    ),
    target: result(
      z
        .union([z.literal('filename'), z.strictObject({ labels: labels.describe('A CSV file that says it.') })])
        .default('filename')
        .describe(
          "Where a plot's target is: kg N in its file names (`_100kg_`, `zerokg`, `zero_kg`), or a column of a CSV file.",
        ),
    ),
    pattern: result(
      z
        .string()
        .regex(/\{plot\}/, 'Expected a pattern with {plot}, for example `{plot}_{band}.tif`')
        .regex(/^(?:[^{}]|\{plot\}|\{band\})*$/, 'Expected no placeholders but {plot} and {band}')
        .default('{plot}_{band}.tif')
        .describe("The end of a file's path. Without {band}, a file holds all bands in the order of `bands`."),
    ),
    size: result(z.tuple([pixels, pixels]).default([160, 106]).describe('Rows and columns of every plot afterwards.')),
    fit: result(
      z
        .enum(['resize', 'crop'])
        .default('resize')
        .describe('Scale a plot of another size (mean of the area, or bilinear), or cut out its centre.'),
    ),
    indices: result(
      z
        .array(z.enum(['ndvi', 'ndre', 'gndvi']))
        .refine((indices) => new Set(indices).size === indices.length, 'Expected each index once')
        .default([])
        .describe('Vegetation indices to append as channels.'),
    ),
    validation: result(
      share.default(0.2).describe('Share of the training plots that is held back to choose models by.'),
    ),
    split: result(
      z
        .union([
          z.strictObject({
            by: z.enum(['folder', 'labels']).describe('What says it: the first folder, or the labels.'),
          }),
          z.strictObject({ test: share.describe('Share of the plots that tests.') }),
        ])
        .default({ by: 'folder' })
        .describe(
          "Which plots test: the folders train/ and test/, the labels' split column, or a share drawn at random.",
        ),
    ),
    group: result(
      z
        .string()
        .refine(isRegexWithCapture, 'Expected a regular expression with a capture, for example `_([A-Z])\\d+$`')
        .optional()
        .describe(
          "Captures the group in a plot's name; a split never parts a group. Default: the labels' group, or each plot by itself.",
        ),
    ),
    validRange: result(
      z
        .tuple([z.number(), z.number()])
        .refine(([low, high]) => low < high, 'Expected [lowest, highest]')
        .optional()
        .describe("Pixels outside are invalid, as NaN, infinities and the file's nodata value are."),
    ),
    onBadInput: result(
      z
        .enum(['fail', 'skip'])
        .default('fail')
        .describe('Stop and list every bad file, or drop the plots and groups that have any and record which.'),
    ),
  })
  .superRefine((given, check) => {
    for (const index of given.indices) {
      const missing = indexBands[index].filter((band) => !given.bands.includes(band));
      if (missing.length > 0) {
        check.addIssue({
          code: 'custom',
          path: ['indices'],
          message: `${index} needs the band ${missing.join(' and ')}`,
        });
      }
    }
    if (
      'by' in given.split &&
      given.split.by === 'labels' &&
      (given.target === 'filename' || !given.target.labels.split)
    ) {
      check.addIssue({
        code: 'custom',
        path: ['split'],
        message: 'A split by labels needs `target: { labels: { split: COLUMN } }`',
      });
    }
  });

export type PreprocessParams = z.output<typeof params>;

export const preprocess = defineStage({
  name: 'preprocess',
  kind: 'pure',
  summary:
    'Joins bands into plots, splits them, and lays them out for training; statistics come from training plots alone.',
  params,
  inputs: { plots: { kind: 'plots', count: 'one' } },
  output: 'features',
  usesSeed: true,
  work: 'compute',
});

function isRegexWithCapture(pattern: string): boolean {
  try {
    // Matching the empty string tells how many groups the expression has.
    return (new RegExp(`${pattern}|`).exec('')?.length ?? 0) > 1;
  } catch {
    return false;
  }
}
