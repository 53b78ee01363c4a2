import { createReadStream, readdirSync } from 'node:fs';
import { mkdtemp, readFile, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createGunzip } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { baseImage } from './base.ts';
import { buildServingImage } from './build.ts';
import { pushImage } from './distribution/push.ts';
import { parseReference, type Reference } from './distribution/reference.ts';
import { textFile } from './entry.ts';
import { blobFile, type Layout, layoutFiles, readManifest } from './layout.ts';
import { type ImageConfig, mediaTypes, platformOf } from './manifest.ts';
import { isLinux, linuxOnly } from './testing/linuxOnly.ts';
import { smallBase } from './testing/smallBase.ts';
import { smallRequest } from './testing/smallImage.ts';
import { digestOf, strictRegistry } from './testing/strictRegistry.ts';
import { type TarMember, untar } from './untar.ts';

const secret = 'planted-secret-6f1c';
let folder: string;
let layout: Layout;
let digest: string;

beforeAll(async () => {
  process.env.PLANTED_SECRET = secret;
  folder = await mkdtemp(join(tmpdir(), 'furrow-build-'));
  if (isLinux) ({ layout, digest } = await buildServingImage(await smallRequest(folder)));
}, 60_000);

beforeEach(linuxOnly);

afterAll(async () => {
  delete process.env.PLANTED_SECRET;
  await rm(folder, { recursive: true });
});

test('the same model gives the same digest, whenever and wherever it is built', async () => {
  const request = await smallRequest(folder);
  await utimes(join(request.model, 'model.json'), 1, 1);
  expect((await buildServingImage(request)).digest).toBe(digest);
});

test("another model changes the model's layer alone", async () => {
  const request = await smallRequest(folder);
  const other = await buildServingImage({ ...request, version: { ...request.version, version: 4 } });
  const before = (await readManifest(layout)).manifest.layers.map((each) => each.digest);
  const after = other.layers.map((each) => each.digest);
  expect(other.digest).not.toBe(digest);
  expect(after.slice(0, 2)).toEqual(before.slice(0, 2));
  expect(after[2]).not.toBe(before[2]);
});

test('every blob is what its descriptor says, and every layer what the config says', async () => {
  expect(await validate(layout)).toEqual(['node', 'server', 'model'].map(() => mediaTypes.layer));
  const blobs = readdirSync(join(layout.folder, 'blobs/sha256'));
  expect((await layoutFiles(layout)).length).toBe(blobs.length + 2);
});

test('the config says how to run it, and nothing of when or where it was built', async () => {
  const config = await readConfig(layout);
  expect(config).toMatchObject({ os: 'linux', created: '1970-01-01T00:00:00Z' });
  expect(config.config).toMatchObject({
    User: '65532:65532',
    Entrypoint: ['/usr/local/bin/node', '/app/server.js'],
    ExposedPorts: { '8080/tcp': {} },
    Labels: { 'furrow.model': 'nitrogen', 'furrow.version': '3', 'org.opencontainers.image.title': 'nitrogen' },
  });
  expect(config.config.Env).toEqual(['PATH=/usr/local/bin', 'NODE_ENV=production', 'PORT=8080']);
});

test("only what was named is inside: no data, no environment, no credentials, nothing of this machine's folders", async () => {
  const members = await allMembers(layout);
  const app = members.filter(({ path, type }) => path.startsWith('app/') && type === 'file').map(({ path }) => path);
  expect(app.sort()).toEqual([
    'app/model/model.json',
    'app/model/version.json',
    'app/model/weights.f32',
    'app/package.json',
    'app/server.js',
  ]);
  const documents = (await layoutFiles(layout)).filter(({ bytes }) => bytes < 1 << 20);
  const texts = [
    ...members.map(({ content }) => Buffer.from(content)),
    ...(await Promise.all(documents.map(({ path }) => readFile(join(layout.folder, path))))),
  ];
  for (const planted of [secret, 'npm-token-in-a-file', 'confidential pixels', folder]) {
    expect(texts.some((text) => text.includes(planted))).toBe(false);
  }
});

test('a build that is cancelled stops', async () => {
  const request = await smallRequest(folder);
  const controller = new AbortController();
  const building = buildServingImage({ ...request, signal: controller.signal });
  setTimeout(() => controller.abort(new Error('cancelled')), 100);
  await expect(building).rejects.toThrow();
});

test('a server that is not built is said, not left out', async () => {
  const request = await smallRequest(folder);
  const bundles = { ...request.bundles, server: '/nowhere/server.js' };
  await expect(buildServingImage({ ...request, bundles })).rejects.toMatchObject({ code: 'SETUP_INCOMPLETE' });
});

test('upon a base, its layers come first and its Node is started; a base for other machines is refused', async () => {
  const registry = await strictRegistry();
  await pushImage(layout, { host: registry.host, repository: 'library/node', tag: '20' });
  const reference = parseReference(`${registry.host}/library/node:20`) as Reference;
  const request = await smallRequest(folder);

  const built = await buildServingImage({ ...request, base: baseImage(reference, platformOf(process.arch)) });
  const layers = (await readManifest(layout)).manifest.layers.length;
  const { manifest } = await readManifest(built.layout);
  expect(manifest.layers.length).toBe(layers + 2);
  expect((await readConfig(built.layout)).config.Entrypoint).toEqual(['/usr/local/bin/node', '/app/server.js']);
  await validate(built.layout);

  const foreign = baseImage(reference, { os: 'linux', architecture: 's390x' });
  const again = await smallRequest(folder);
  await expect(buildServingImage({ ...again, base: foreign })).rejects.toMatchObject({ code: 'IMAGE_BASE_INVALID' });
  const empty = { ...reference, repository: 'library/empty' };
  const withoutNode = await smallBase(await mkdtemp(join(folder, 'empty-')), textFile('bin/sh', ''));
  await pushImage(withoutNode, { ...empty, tag: '20' });
  const other = await smallRequest(folder);
  const bare = baseImage(empty, platformOf(process.arch));
  await expect(buildServingImage({ ...other, base: bare })).rejects.toMatchObject({
    code: 'IMAGE_BASE_INVALID',
    message: expect.stringContaining('no Node'),
  });
  const missing = baseImage({ ...reference, tag: 'none' }, platformOf(process.arch));
  const last = await smallRequest(folder);
  await expect(buildServingImage({ ...last, base: missing })).rejects.toMatchObject({ code: 'IMAGE_BASE_INVALID' });
  await registry.close();
});

/** Checks all that the image spec says of a layout; gives the layers' media types. */
async function validate(image: Layout): Promise<string[]> {
  expect(JSON.parse(await readFile(join(image.folder, 'oci-layout'), 'utf8'))).toEqual({ imageLayoutVersion: '1.0.0' });
  const { descriptor, manifest } = await readManifest(image);
  expect(descriptor.mediaType).toBe(manifest.mediaType);
  expect(manifest.schemaVersion).toBe(2);
  expect(manifest.config.mediaType).toBe(mediaTypes.config);
  for (const blob of [descriptor, manifest.config, ...manifest.layers]) {
    const bytes = await readFile(blobFile(image, blob.digest));
    expect([digestOf(bytes), bytes.length]).toEqual([blob.digest, blob.size]);
  }
  const config = await readConfig(image);
  const diffIds = await Promise.all(
    manifest.layers.map(({ digest: each }) => plainDigest(blobFile(image, each as never))),
  );
  expect(config.rootfs).toEqual({ type: 'layers', diff_ids: diffIds });
  expect(config.history?.filter(({ empty_layer }) => !empty_layer).length).toBe(manifest.layers.length);
  return manifest.layers.map(({ mediaType }) => mediaType);
}

async function readConfig(image: Layout): Promise<ImageConfig> {
  const { manifest } = await readManifest(image);
  return JSON.parse(await readFile(blobFile(image, manifest.config.digest), 'utf8'));
}

async function plainDigest(file: string): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of createReadStream(file).pipe(createGunzip()) as AsyncIterable<Buffer>) chunks.push(chunk);
  return digestOf(Buffer.concat(chunks));
}

async function allMembers(image: Layout): Promise<TarMember[]> {
  const { manifest } = await readManifest(image);
  const members: TarMember[] = [];
  for (const layer of manifest.layers) {
    for await (const member of untar(createReadStream(blobFile(image, layer.digest)).pipe(createGunzip())))
      members.push(member);
  }
  return members;
}
