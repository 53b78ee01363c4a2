// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is how a pipeline file names a secret
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { FurrowError } from '../contract/errors.ts';
import { trackWorkflowId } from '../contract/messages.ts';
import { operational, result } from '../contract/params.ts';
import { mainQueue } from '../contract/queues.ts';
import { defineStage, implementStage, type Stage } from '../contract/stage.ts';
import { startWandbServer } from '../lib/tracking/testing/wandb/server.ts';
import { builtCode, type TestFurrow, testFurrow } from './harness/furrow.ts';
import { historyJson, payloadsOf } from './harness/history.ts';
import { workerLog } from './harness/logs.ts';
import { longTraining, untilCheckpoint } from './harness/pipelines.ts';
import { installProduct, spawnWorker } from './harness/product.ts';
import { until } from './harness/until.ts';

/** Each is looked for as it is, as an address and as JSON write it. */
const secrets = {
  WANDB_API_KEY: 'planted-wandb-0f1e2d3c4b5a',
  MY_TOKEN: 'planted"token\\with/odd chars%',
  PLAIN_NAME: 'planted-by-reference-7777',
} as const;

let furrow: TestFurrow;
let product: string;

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
  product = installProduct(furrow.folder);
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

  it.each([
    ['takes', 'online'],
    ['refuses', 'online'],
    ['is not asked for', 'offline'],
  ])('of the environment is in no log, image, history and tracker, where W&B %s the key (%s)', async (says, mode) => {
    const server = await startWandbServer({ key: says === 'refuses' ? 'another' : secrets.WANDB_API_KEY });
    const worker = await spawnWorker(furrow, product, {
      queues: ['image'],
      env: { WANDB_BASE_URL: server.url, WANDB_MODE: mode },
    });
    // The workflow's own worker sends, too.
    Object.assign(process.env, { WANDB_BASE_URL: server.url, WANDB_MODE: mode });
    try {
      const set = Object.fromEntries(
        ['data', 'features', 'model', 'evaluate', 'register', 'image'].map((name) => [name, 'image']),
      );
      const store = `image-${says.replaceAll(' ', '-')}`;
      const handle = await furrow.start(smallPipeline(set, store));
      await handle.result();
      const { runId } = await handle.describe();
      const tracker = furrow.client.workflow.getHandle(trackWorkflowId(handle.workflowId, runId, 1));
      if (says === 'refuses') {
        const refusal = async () => (await tracker.describe()).raw.pendingActivities?.[0]?.lastFailure?.message;
        await until(
          'the tracker says why',
          async () => (await refusal())?.includes('refuses the API key') ?? false,
          90,
        );
        expectClean('what the server knows of the tracker', JSON.stringify((await tracker.describe()).raw));
        await tracker.terminate('seen');
      } else await tracker.result();
      for (const each of [handle, tracker]) expectCleanHistory(historyJson(furrow, each));
      expectClean("the worker's log", worker.log());
      expectClean("the other worker's log", workerLog.join('\n'));
      expect(expectCleanFolder(join(furrow.folder, 'stores', store))).toBeGreaterThan(10);
      if (mode === 'offline') expect(expectCleanFolder(join(furrow.folder, 'wandb'))).toBeGreaterThan(1);
      expectCleanFolder(furrow.home);
      expect(server.runs).toHaveLength(says === 'takes' ? 2 : 0);
      for (const run of server.runs) {
        if (run.upserted.jobType === 'pipeline') expect(run.summary.image).toMatch(/^sha256:/);
        expectClean('what W&B has of a run', JSON.stringify([run.upserted, run.rows(), run.summary]));
        for (const [name, content] of run.files) expectClean(name, content);
      }
    } finally {
      delete process.env.WANDB_BASE_URL;
      process.env.WANDB_MODE = 'disabled';
      await worker.terminate();
      await server.close();
    }
  });

  it('is given to no process but the one that sends', async () => {
    const server = await startWandbServer({ key: secrets.WANDB_API_KEY });
    const env = { WANDB_BASE_URL: server.url, WANDB_MODE: 'online' };
    Object.assign(process.env, env);
    const worker = await spawnWorker(furrow, product, { queues: ['train-gpu'], env });
    try {
      const handle = await furrow.start(`${longTraining('stores/long')}tracking: { wandb: {} }\n`);
      await untilCheckpoint(handle);
      const withKey = (pid: number | undefined) => readFileSync(`/proc/${pid}/environ`).includes(secrets.WANDB_API_KEY);
      expect(withKey(worker.children('senderMain')[0])).toBe(true);
      expect(withKey(worker.children('trainMain')[0])).toBe(false);
      await handle.terminate('seen');
    } finally {
      delete process.env.WANDB_BASE_URL;
      process.env.WANDB_MODE = 'disabled';
      await worker.terminate();
      await server.close();
    }
  });
});

function smallPipeline(queue: Record<string, string>, store: string): string {
  return `
name: small
store: stores/${store}
stages:
  data: { uses: fetchData, queue: ${queue.data}, with: { source: 'synthetic:plots?train=12&test=4&height=40&width=26' } }
  features: { uses: preprocess, queue: ${queue.features}, needs: [data], with: { bands: [green, red, red_edge, nir], target: filename, size: [40, 26] } }
  model: { uses: train, queue: ${queue.model}, needs: [features], with: { model: ridge } }
  evaluate: { uses: evaluate, queue: ${queue.evaluate}, needs: [features, model], with: { metric: mae } }
  register: { uses: registerModel, queue: ${queue.register}, needs: [evaluate], with: { model: small } }
  image: { uses: buildImage, queue: ${queue.image}, needs: [register] }
tracking: { wandb: {} }
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
