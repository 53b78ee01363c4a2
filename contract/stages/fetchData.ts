import { z } from 'zod';
import { FurrowError } from '../errors.ts';
import { operational } from '../params.ts';
import { parseSource, sourceSchemes } from '../sourceAddress.ts';
import { defineStage } from '../stage.ts';

const source = z
  .string()
  .superRefine((address, check) => {
    try {
      parseSource(address);
    } catch (error) {
      if (!(error instanceof FurrowError)) throw error;
      check.addIssue({ code: 'custom', message: error.message, params: { code: error.code } });
    }
  })
  .describe(
    `Where the plots come from: ${Object.values(sourceSchemes).join(', ')}. A relative path starts from the folder where \`furrow\` is run; for \`temporal workflow start\`, from the one where the worker was started.`,
  );

export const fetchData = defineStage({
  name: 'fetchData',
  kind: 'source',
  summary:
    'Fetches the plots exactly as the source holds them now; nothing new there leaves every later stage as it was.',
  params: z.strictObject({
    /**
     * Operational, though it decides everything: the digest of what the source holds enters the key instead. The same plots
     * under another path, host or mount are the same plots.
     */
    source: operational(source),
  }),
  inputs: {},
  output: 'plots',
  usesSeed: false,
  work: 'transfer',
});
