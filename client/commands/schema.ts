import { loadContracts } from '../../activities/attempt/catalog.ts';
import { pipelineJsonSchema } from '../../lib/config/jsonSchema.ts';
import { exitCodes } from '../output.ts';

/** `furrow schema`: the JSON schema by which editors complete and check pipeline files. */
export async function schema(): Promise<number> {
  process.stdout.write(`${JSON.stringify(pipelineJsonSchema(await loadContracts()), null, 2)}\n`);
  return exitCodes.ok;
}
