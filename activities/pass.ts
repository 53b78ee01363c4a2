import { z } from 'zod';
import { operational, result } from '../contract/params.ts';
import { defineStage, implementStage } from '../contract/stage.ts';

export default implementStage(
  defineStage({
    name: 'pass',
    kind: 'pure',
    summary: 'Does nothing but pass on: for trying out pipelines and for measuring what a stage costs.',
    params: z.strictObject({
      label: result(z.string().default('').describe('Changes the key, and nothing else.')),
      seconds: operational(z.number().min(0).max(3600).default(0).describe('How long it takes.')),
    }),
    inputs: { before: { kind: 'token', count: 'any' } },
    output: 'token',
  }),
  {
    async run({ params, output, signal }) {
      if (params.seconds > 0) {
        const { setTimeout } = await import('node:timers/promises');
        await setTimeout(params.seconds * 1000, undefined, { signal });
      }
      await output.add('label.txt', params.label);
      return {};
    },
  },
);
