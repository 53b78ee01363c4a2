import { createHash } from 'node:crypto';
import { appendFile, copyFile, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { baseImage } from './base.ts';
import { pushImage } from './distribution/push.ts';
import { parseReference, type Reference } from './distribution/reference.ts';
import { createLayout } from './layout.ts';
import { platformOf } from './manifest.ts';
import { imageOrigin } from './origin.ts';
import { linuxOnly } from './testing/linuxOnly.ts';
import { nodeBase } from './testing/smallBase.ts';
import { type StrictRegistry, strictRegistry } from './testing/strictRegistry.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'furrow-origin-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe("of an image with the worker's Node", () => {
  it('is the same until the program is another, whatever version that calls itself', async (context) => {
    linuxOnly(context);
    const program = join(folder, 'node');
    await copyFile(process.execPath, program);
    const before = await imageOrigin(undefined);
    expect(await imageOrigin(undefined, program)).toEqual(before);
    expect(before).toMatchObject({ platform: expect.stringMatching(/^linux\//), node: process.versions.node });
    await appendFile(program, 'patched');
    expect(await imageOrigin(undefined, program)).not.toEqual(before);
  });
});

describe('of an image upon a base', () => {
  let registry: StrictRegistry;
  beforeEach(async () => {
    registry = await strictRegistry();
  });
  afterEach(() => registry.close());

  const target = () => ({ host: registry.host, repository: 'library/node', tag: '20' });
  const push = async (mark: string) =>
    (await pushImage(await nodeBase(await mkdtemp(join(folder, 'base-')), mark), target())).digest;
  const base = (address: string) =>
    baseImage(parseReference(`${registry.host}/library/node${address}`) as Reference, platformOf(process.arch));

  it("is what the base's tag means now, asked without fetching", async () => {
    const first = await push('first');
    registry.requests.length = 0;
    expect(await imageOrigin(base(':20'))).toMatchObject({ base: first });
    expect(registry.requests).toEqual(['HEAD /v2/library/node/manifests/20']);
    const second = await push('second');
    expect(await imageOrigin(base(':20'))).toMatchObject({ base: second });
  });

  it('is the digest that the address says, and nobody is asked', async () => {
    const digest = await push('first');
    registry.requests.length = 0;
    expect(await imageOrigin(base(`:20@${digest}`))).toMatchObject({ base: digest });
    expect(registry.requests).toEqual([]);
  });

  it('is what is then built upon, though the tag is moved meanwhile', async () => {
    const first = await push('first');
    const asked = base(':20');
    const origin = await imageOrigin(asked);
    await push('second');
    await asked.copyInto(await createLayout(await mkdtemp(join(folder, 'layout-'))));
    expect(origin).toMatchObject({ base: first });
    expect(registry.requests).toContain(`GET /v2/library/node/manifests/${first}`);
    expect(registry.requests).not.toContain('GET /v2/library/node/manifests/20');
  });

  it('is taken over the manifest itself where a registry leaves its digest out', async () => {
    const silent = createServer((request, response) => response.end(request.method === 'HEAD' ? '' : '{"layers":[]}'));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const address = `127.0.0.1:${(silent.address() as AddressInfo).port}/library/node:20`;
    const digest = `sha256:${createHash('sha256').update('{"layers":[]}').digest('hex')}`;
    const asked = baseImage(parseReference(address) as Reference, platformOf(process.arch));
    expect(await imageOrigin(asked)).toMatchObject({ base: digest });
    silent.close();
  });

  it('is refused where there is no such base', async () => {
    await expect(imageOrigin(base(':none'))).rejects.toMatchObject({
      code: 'IMAGE_BASE_INVALID',
      message: expect.stringContaining('none'),
    });
  });
});
