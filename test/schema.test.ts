import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadContracts } from '../activities/attempt/catalog.ts';
import { productRoot } from '../lib/code/root.ts';
import { pipelineJsonSchema } from '../lib/config/jsonSchema.ts';

it('configs/pipeline.schema.json is what `npm run schema` writes', async () => {
  const written = JSON.parse(await readFile(join(productRoot, 'configs/pipeline.schema.json'), 'utf8'));
  expect(written).toEqual(JSON.parse(JSON.stringify(pipelineJsonSchema(await loadContracts()))));
});
