import { z } from 'zod';
import { result } from '../params.ts';
import { slug } from '../registry.ts';
import { defineStage } from '../stage.ts';

const name = z.string().regex(slug, 'Use lower-case letters, digits and dashes');

export const registerModel = defineStage({
  name: 'registerModel',
  kind: 'effect',
  summary: 'Gives the winning model a version number in the model registry and points an alias at it',
  params: z.strictObject({
    model: result(
      name.describe('The name under which versions are counted, from 1: lower-case letters, digits and dashes.'),
    ),
    // `v3` and `3` name versions, so an alias may not look like one.
    alias: result(
      name
        .refine((alias) => !/^v?\d+$/.test(alias), 'An alias may not look like a version number')
        .default('candidate')
        .describe('The name that points at the version afterwards, in place of the one that it pointed at.'),
    ),
  }),
  inputs: { evaluation: { kind: 'evaluation', count: 'one' } },
  output: 'model-version',
  work: 'query',
});
