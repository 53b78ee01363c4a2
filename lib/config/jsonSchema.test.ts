// biome-ignore-all lint/suspicious/noTemplateCurlyInString: pipeline files hold them
import { Ajv } from 'ajv';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { pipelineJsonSchema } from './jsonSchema.ts';
import { parsePipeline } from './parsePipeline.ts';
import { exampleContracts as contracts, nitrogen } from './testing/exampleContracts.ts';

const schema = pipelineJsonSchema(contracts);
// Strict mode refuses unknown keywords; `required` beside `if` and tuples without `additionalItems` are no faults.
const validate = new Ajv({ strict: true, strictRequired: false, strictTypes: false, allErrors: true }).compile(schema);

function faults(text: string): string[] {
  validate(parse(text));
  return (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message}`);
}

test('the nitrogen pipeline fits', () => {
  expect(faults(nitrogen)).toEqual([]);
});

test('unknown keys, wrong types and unknown stages do not', () => {
  for (const [right, wrong] of [
    ['epochs: 20', 'epoch: 20'],
    ['epochs: 20', 'epochs: many'],
    ['epochs: 20', 'epochs: 0'],
    ['seed: 42', 'seeds: 42'],
    ['uses: fetchData', 'uses: fetchdata'],
    ['model: vit', 'model: vti'],
    ['patch: [32, 53]', 'patch: [32]'],
    ['{ model: ridge }', '{ model: ridge, epochs: 3 }'],
    ['metric: mae', 'metric: mea'],
    ['lr: 0.001', 'lr: 0'],
    [', with: { model: nitrogen }', ''],
    ['name: nitrogen\n', ''],
    ['needs: [data]', 'needs: data'],
  ] as const) {
    expect(faults(nitrogen.replace(right, wrong)), wrong).not.toEqual([]);
  }
});

test('only the chosen option of a union is spoken of', () => {
  expect(faults(nitrogen.replace('{ model: ridge }', '{ model: ridge, epochs: 3 }'))).toEqual([
    '/stages/ridge/with must NOT have additional properties',
    expect.stringContaining('must match "then" schema'),
    expect.stringContaining('must match "then" schema'),
  ]);
});

test('${…} may stand for any value', () => {
  const text = nitrogen
    .replace('lr: 0.001', 'lr: "${LR:-0.1}"')
    .replace('epochs: 20', 'epochs: "${EPOCHS}"')
    .replace('seed: 42', 'seed: "${SEED:-1}"')
    .replace('metric: mae', 'metric: "${METRIC:-mae}"')
    .replace('name: nitrogen', 'name: "${NAME:-x}"');
  expect(faults(text)).toEqual([]);
});

test('an editor finds descriptions, defaults and no bounds of mere integers', () => {
  const text = JSON.stringify(schema);
  expect(text).toContain('Passes over the training plots.');
  expect(text).toContain('"default":20');
  expect(text).toContain('Trains a model.');
  expect(text).not.toContain(String(Number.MAX_SAFE_INTEGER));
});

test('the schema refuses no file that is a pipeline', () => {
  const edits = [
    ['attempts: 3', 'ridge }'],
    ['timeout: 6h', 'ridge }'],
    ['queue: big', 'ridge }'],
  ].map(([added, after]) => nitrogen.replace(`model: ${after}`, `model: ${after}, ${added}`));
  const words = [...nitrogen.matchAll(/[A-Za-z0-9_.]+/g)];
  const replaced = words.flatMap((word) =>
    ['x', '1', '0.5', 'true', '[]', '{}', 'rmse', 'vit'].map(
      (other) => nitrogen.slice(0, word.index) + other + nitrogen.slice(word.index + word[0].length),
    ),
  );
  let accepted = 0;
  for (const text of [...edits, ...replaced]) {
    if (!parsePipeline({ text, file: 'p.yaml', contracts }).ok) continue;
    accepted++;
    expect(faults(text), text).toEqual([]);
  }
  expect(accepted).toBeGreaterThan(edits.length + 5);
}, 60_000);
