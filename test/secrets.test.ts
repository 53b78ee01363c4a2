// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is how a pipeline file names a secret
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { FurrowError } from '../contract/errors.ts';
import { operational, result } from '../contract/params.ts';
import { mainQueue } from '../contract/queues.ts';
import { defineStage, implementStage, type Stage } from '../contract/stage.ts';
import { builtCode, type TestFurrow, testFurrow } from './harness/furrow.ts';
import { historyJson, payloadsOf } from './harness/history.ts';
import { workerLog } from './harness/logs.ts';
import { installProduct, spawnWorker } from './harness/product.ts';

/** Each is looked for as it is, as an address and as JSON write it. */
const secrets = {
  WANDB_API_KEY: 'planted-wandb-0f1e2d3c4b5a',
  MY_TOKEN: 'planted"token\\with/odd chars%',
  PLAIN_NAME: 'planted-by-reference-7777',
} as const;

let furrow: TestFurrow;

/** A stage that is as careless with what it knows as code can be. */
const careless = implementStage(
  defineStage({
    name: 'careless',
    kind: 'source',
    summary: 'Says every secret that it knows.',
    params: z.strictObject({
      login: operational(z.string()),
      nested: operational(z.array(z.strictObject({ header: z.string() })).default([])),
      fail: result(z.boolean().default(false)),
    }),
    inputs: {},
    output: 'token',
  }),
  {
    async resolve({ params }) {
      return { digest: `sha256:${'5'.repeat(64)}`, facts: { uri: `https://host/?login=${params.login}` } };
    },
    async run(context) {
      const known = [
        ...Object.values(secrets),
        context.params.login,
        ...context.params.nested.map(({ header }) => header),
      ];
      const said = `${known.join(' ')} https://me:${encodeURIComponent(secrets.MY_TOKEN)}@host/ ${JSON.stringify(known)}`;
      context.log.info(said, { said, deep: [{ said }] });
      context.log.warn('long', { said: said.repeat(100), token: 123_456_789 });
      context.progress({ doing: said.slice(0, 150), done: 1, total: 2 });
      if (context.params.fail)
        throw new FurrowError('SOURCE_NOT_FOUND', said, { details: { said, list: known }, cause: new Error(said) });
      await context.output.add('fine.txt', 'nothing secret');
      return { facts: { said, api_key: known[0] as string } };
    },
  },
) as unknown as Stage;

const yaml = (fail: boolean) => `
name: secrets
store: stores/secrets
stages:
  told:
    uses: careless
    with:
      login: '\${secret:PLAIN_NAME}'
      nested: [{ header: 'Bearer \${secret:MY_TOKEN}' }]
      fail: ${fail}
`;

beforeAll(async () => {
  Object.assign(process.env, secrets);
  furrow = await testFurrow();
  await furrow.work([mainQueue], await builtCode([careless]));
});
afterAll(async () => {
  for (const name of Object.keys(secrets)) delete process.env[name];
  await furrow?.close();
});

describe('a secret', () => {
  it.each([false, true])('is found nowhere that a run leaves anything; run fails: %s', async (fail) => {
    const handle = await furrow.start(yaml(fail));
    await handle.result().catch(() => {});
    const record = JSON.stringify(await furrow.progress(handle));
    expect(record).toContain('[redacted]');
    expectCleanHistory(historyJson(furrow, handle));
    expectClean('the record', record);
    expect(workerLog.join()).toContain('[redacted]');
    expectClean("the worker's log", workerLog.join('\n'));
    expectClean('the description', JSON.stringify((await handle.describe()).raw));
    expect(expectCleanFolder(join(furrow.folder, 'stores'))).toBeGreaterThan(3);
    // The server's own database and log: heartbeats and whatever else it was told.
    expectCleanFolder(furrow.home);
  });

  it('that is not set fails the stage, by its name', async () => {
    const missing = yaml(false).replace('PLAIN_NAME', 'NOT_SET');
    await expect(furrow.run(missing)).rejects.toMatchObject({
      cause: { type: 'SECRET_MISSING', message: expect.stringContaining('NOT_SET') },
    });
  });

  it('is refused where it would be written into the config', async () => {
    const interpolated = yaml(false).replace('${secret:PLAIN_NAME}', '${WANDB_API_KEY}');
    const handle = await furrow.start(interpolated);
    await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'CONFIG_INVALID' } });
    expectCleanHistory(historyJson(furrow, handle));
  });

  it('of the environment is in no log of a worker, and in no image', async () => {
    const product = installProduct(furrow.folder);
    const worker = await spawnWorker(furrow, product, { queues: ['image'] });
    try {
      const set = Object.fromEntries(
        ['data', 'features', 'model', 'evaluate', 'register', 'image'].map((name) => [name, 'image']),
      );
      const handle = await furrow.start(smallPipeline(set));
      await handle.result();
      expectClean("the worker's log", worker.log());
      expect(expectCleanFolder(join(furrow.folder, 'stores/image'))).toBeGreaterThan(10);
    } finally {
      await worker.terminate();
    }
  });
});

function smallPipeline(queue: Record<string, string>): string {
  return `
name: small
store: stores/image
stages:
  data: { uses: fetchData, queue: ${queue.data}, with: { source: 'synthetic:plots?train=12&test=4&height=40&width=26' } }
  features: { uses: preprocess, queue: ${queue.features}, needs: [data], with: { bands: [green, red, red_edge, nir], target: filename, size: [40, 26] } }
  model: { uses: train, queue: ${queue.model}, needs: [features], with: { model: ridge } }
  evaluate: { uses: evaluate, queue: ${queue.evaluate}, needs: [features, model], with: { metric: mae } }
  register: { uses: registerModel, queue: ${queue.register}, needs: [evaluate], with: { model: small } }
  image: { uses: buildImage, queue: ${queue.image}, needs: [register] }
`;
}

function expectCleanHistory(history: string): void {
  expectClean('the history', history);
  for (const payload of payloadsOf(history)) expectClean("the history's payloads", payload);
}

function expectClean(place: string, content: string | Buffer): void {
  const text = Buffer.isBuffer(content) ? content : Buffer.from(content);
  for (const [name, secret] of Object.entries(secrets)) {
    const forms = [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)];
    const found = forms.filter((form) => text.includes(form));
    expect(found.length, `${name} in ${place}: …${around(text, found[0])}…`).toBe(0);
  }
}

function around(text: Buffer, found: string | undefined): string {
  if (found === undefined) return '';
  const at = text.indexOf(found);
  return text.subarray(Math.max(0, at - 120), at + 60).toString();
}

/** Looks into every file below `folder`, into layers too; gives how many it looked at. */
function expectCleanFolder(folder: string): number {
  let files = 0;
  for (const item of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (!item.isFile()) continue;
    const content = readFileSync(join(item.parentPath, item.name));
    const gzipped = content[0] === 0x1f && content[1] === 0x8b;
    expectClean(item.name, gzipped ? gunzipSync(content) : content);
    files++;
  }
  return files;
}
