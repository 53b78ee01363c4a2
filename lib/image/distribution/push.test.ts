import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { textFile } from '../entry.ts';
import { addJson, addLayer, createLayout, type Layout, layoutFiles, writeIndex } from '../layout.ts';
import { mediaTypes } from '../manifest.ts';
import { tar } from '../tar.ts';
import { realRegistry, registryProgram } from '../testing/realRegistry.ts';
import { type StrictOptions, type StrictRegistry, strictRegistry } from '../testing/strictRegistry.ts';
import { isPushed, pushImage } from './push.ts';

const credentials = 'furrow:not-for-history';
let folder: string;
let layout: Layout;
let registry: StrictRegistry | undefined;
/** Without a login, unless a test stores one. */
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'furrow-push-'));
  env = { DOCKER_CONFIG: join(folder, 'none') };
  layout = await threeLayers(join(folder, 'image'));
});

afterEach(async () => {
  await registry?.close();
  registry = undefined;
});

afterAll(() => rm(folder, { recursive: true }));

test('an image is there under its tag and digest afterwards, and a second push sends nothing', async () => {
  const target = await open();
  const first = await pushImage(layout, target, { env });
  expect(first.reference).toBe(`${target.host}/team/nitrogen:v3@${first.digest}`);
  expect(await isPushed(target, first.digest, { env })).toBe(true);
  expect(first.uploaded).toBeGreaterThan(0);
  expect((await pushImage(layout, target, { env })).uploaded).toBe(0);
});

test('the manifest is sent last', async () => {
  const target = await open();
  await pushImage(layout, target, { env });
  const sent = registry?.requests.filter((line) => line.startsWith('PUT'));
  expect(sent?.at(-1)).toBe('PUT /v2/team/nitrogen/manifests/v3');
  expect(sent?.filter((line) => line.includes('manifests')).length).toBe(1);
});

test('an image that is gone, or whose tag names another one, is not present', async () => {
  const target = await open();
  const { digest } = await pushImage(layout, target, { env });
  const other = await pushImage(await threeLayers(join(folder, 'other'), 'other'), target, { env });
  expect(await isPushed(target, digest, { env })).toBe(false);
  expect(await isPushed(target, other.digest, { env })).toBe(true);
  expect(await isPushed({ ...target, tag: 'v9' }, digest, { env })).toBe(false);
});

test('what passes is tried again: a server error, too many requests, a connection that breaks', async () => {
  const target = await open();
  registry?.fail(/POST .*uploads/, 503, 429);
  registry?.fail(/PUT .*blobs/, 0, 500);
  registry?.fail(/PUT .*manifests/, 502);
  const { digest } = await pushImage(layout, target, { env });
  expect(await isPushed(target, digest, { env })).toBe(true);
});

test('a registry that stays down fails, retryably, after a few tries', async () => {
  const target = await open();
  registry?.fail(/HEAD/, ...Array.from({ length: 100 }, () => 503));
  await expect(pushImage(layout, target, { env })).rejects.toMatchObject({
    code: 'REGISTRY_UNREACHABLE',
    retryable: true,
  });
});

test('a registry that is not there is named', async () => {
  const target = await open();
  await registry?.close();
  registry = undefined;
  const push = pushImage(layout, target, { env });
  await expect(push).rejects.toMatchObject({
    code: 'REGISTRY_UNREACHABLE',
    message: expect.stringContaining(target.host),
  });
}, 15_000);

test('a refusal is not tried again, and says what the registry said', async () => {
  const target = await open();
  registry?.fail(/POST .*uploads/, 403);
  const push = pushImage(layout, target, { env });
  await expect(push).rejects.toMatchObject({
    code: 'REGISTRY_REFUSED',
    retryable: false,
    message: expect.stringContaining('told by the registry'),
  });
});

test.each(['basic', 'bearer'] as const)('the login that docker stored lets in: %s', async (scheme) => {
  const target = await open({ login: { scheme, credentials } });
  const stored = await storeLogin(target.host, credentials);
  const { digest } = await pushImage(layout, target, { env: stored });
  expect(await isPushed(target, digest, { env: stored })).toBe(true);
});

test.each(['basic', 'bearer'] as const)(
  'without a login, or with a wrong one, the registry refuses: %s',
  async (scheme) => {
    const target = await open({ login: { scheme, credentials } });
    const wrong = await storeLogin(target.host, 'furrow:another-password');
    for (const each of [env, wrong]) {
      const failure = await pushImage(layout, target, { env: each }).catch((error) => error);
      expect(failure).toMatchObject({ code: 'REGISTRY_REFUSED' });
      expect(JSON.stringify([failure.message, failure.details])).not.toContain('another-password');
    }
  },
);

test('a push that is cancelled stops', async () => {
  const target = await open();
  const controller = new AbortController();
  controller.abort(new Error('cancelled'));
  await expect(pushImage(layout, target, { env, signal: controller.signal })).rejects.toThrow();
  expect(registry?.manifests.size).toBe(0);
});

test.runIf(registryProgram)(
  'CNCF Distribution takes the image, and has it',
  async () => {
    const storage = await mkdtemp(join(folder, 'registry-'));
    const real = await realRegistry(storage);
    const target = { host: real.host, repository: 'team/nitrogen', tag: 'v3' };
    const { digest, uploaded } = await pushImage(layout, target, { env });
    expect(await isPushed(target, digest, { env })).toBe(true);
    expect(await isPushed({ ...target, repository: 'nobody/nothing' }, digest, { env })).toBe(false);
    expect(uploaded).toBeGreaterThan(0);
    expect((await pushImage(layout, target, { env })).uploaded).toBe(0);
    await real.close();
  },
  30_000,
);

async function open(options?: StrictOptions) {
  registry = await strictRegistry(options);
  return { host: registry.host, repository: 'team/nitrogen', tag: 'v3' };
}

async function storeLogin(host: string, login: string): Promise<NodeJS.ProcessEnv> {
  const at = await mkdtemp(join(folder, 'docker-'));
  await writeFile(
    join(at, 'config.json'),
    JSON.stringify({ auths: { [host]: { auth: Buffer.from(login).toString('base64') } } }),
  );
  return { DOCKER_CONFIG: at };
}

async function threeLayers(at: string, mark = ''): Promise<Layout> {
  await mkdir(at);
  const image = await createLayout(at);
  const texts = ['one', 'two', `three${mark}`];
  const layers = [];
  for (const text of texts) layers.push(await addLayer(image, tar([textFile(text, text.repeat(1000))])));
  const config = {
    os: 'linux',
    architecture: 'amd64',
    config: {},
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
  };
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: await addJson(image, mediaTypes.config, config),
    layers: layers.map(({ diffId: _, ...descriptor }) => descriptor),
  };
  await writeIndex(image, await addJson(image, mediaTypes.manifest, manifest));
  expect((await layoutFiles(image)).length).toBe(7);
  return image;
}
