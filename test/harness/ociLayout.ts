import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createGunzip } from 'node:zlib';
import { expect } from 'vitest';
import { blobFile, type Layout, readManifest } from '../../lib/image/layout.ts';
import { type Descriptor, type ImageConfig, mediaTypes } from '../../lib/image/manifest.ts';

/** Expects what the OCI image spec 1.1 asks of a layout: every blob is what its descriptor says, every layer what the config says. */
export async function expectValidLayout(layout: Layout): Promise<Descriptor> {
  expect(JSON.parse(await readFile(join(layout.folder, 'oci-layout'), 'utf8'))).toEqual({
    imageLayoutVersion: '1.0.0',
  });
  const { descriptor, manifest } = await readManifest(layout);
  expect(manifest).toMatchObject({
    schemaVersion: 2,
    mediaType: descriptor.mediaType,
    config: { mediaType: mediaTypes.config },
  });
  for (const { digest, size } of [descriptor, manifest.config, ...manifest.layers])
    expect(await digestOf(createReadStream(blobFile(layout, digest)))).toEqual({ digest, size });
  const config = JSON.parse(await readFile(blobFile(layout, manifest.config.digest), 'utf8')) as ImageConfig;
  const plain = await Promise.all(
    manifest.layers.map(({ digest }) => digestOf(createReadStream(blobFile(layout, digest)).pipe(createGunzip()))),
  );
  expect(config.rootfs).toEqual({ type: 'layers', diff_ids: plain.map(({ digest }) => digest) });
  return descriptor;
}

async function digestOf(stream: AsyncIterable<Uint8Array>): Promise<{ digest: string; size: number }> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of stream) {
    hash.update(chunk);
    size += chunk.length;
  }
  return { digest: `sha256:${hash.digest('hex')}`, size };
}
