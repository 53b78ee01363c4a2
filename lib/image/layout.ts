import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Digest } from '../../contract/artifact.ts';
import { FurrowError } from '../../contract/errors.ts';
import { canonicalJson } from '../../contract/json.ts';
import { gzip } from './gzip.ts';
import { type Descriptor, type ImageIndex, type ImageManifest, type LayerDescriptor, mediaTypes } from './manifest.ts';

/** An OCI image layout: a folder with `oci-layout`, `index.json` and `blobs/sha256/` (OCI image spec 1.1, image-layout.md). */
export interface Layout {
  readonly folder: string;
}

export async function createLayout(folder: string): Promise<Layout> {
  await mkdir(join(folder, 'blobs/sha256'), { recursive: true });
  await writeFile(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  return { folder };
}

export function digestOfBytes(bytes: Uint8Array): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** Where a blob lies, relative to the layout. */
export function blobPath(digest: Digest): string {
  return `blobs/${digest.replace(':', '/')}`;
}

export function blobFile(layout: Layout, digest: Digest): string {
  return join(layout.folder, blobPath(digest));
}

/** Compresses an archive into a blob; its two digests are taken on the way. */
export async function addLayer(
  layout: Layout,
  archive: AsyncIterable<Uint8Array>,
  signal?: AbortSignal,
): Promise<LayerDescriptor> {
  const plain = createHash('sha256');
  const watched = async function* () {
    for await (const chunk of archive) {
      plain.update(chunk);
      yield chunk;
    }
  };
  const { digest, size } = await addStream(layout, gzip(watched(), signal));
  return { mediaType: mediaTypes.layer, digest, size, diffId: `sha256:${plain.digest('hex')}` };
}

export async function addJson(layout: Layout, mediaType: string, value: unknown): Promise<Descriptor> {
  const bytes = new TextEncoder().encode(canonicalJson(value));
  const stream = async function* () {
    yield bytes;
  };
  return { mediaType, ...(await addStream(layout, stream())) };
}

/**
 * Stores a blob as it is.
 *
 * @throws FurrowError `BLOB_CORRUPT` when it is not what `expected` says.
 */
export async function addStream(
  layout: Layout,
  stream: AsyncIterable<Uint8Array>,
  expected?: Pick<Descriptor, 'digest' | 'size'>,
): Promise<Pick<Descriptor, 'digest' | 'size'>> {
  const aside = join(layout.folder, `blobs/.${randomUUID()}`);
  const file = await open(aside, 'wx');
  const hash = createHash('sha256');
  let size = 0;
  try {
    for await (const chunk of stream) {
      hash.update(chunk);
      size += chunk.length;
      await file.writeFile(chunk);
      if (expected && size > expected.size) break;
    }
  } finally {
    await file.close();
  }
  const digest: Digest = `sha256:${hash.digest('hex')}`;
  if (expected && (expected.digest !== digest || expected.size !== size)) {
    throw new FurrowError('BLOB_CORRUPT', `A blob that should be ${expected.digest} is ${digest}`);
  }
  await rename(aside, blobFile(layout, digest));
  return { digest, size };
}

/** Names the one image of the layout; without it the blobs belong to nothing. */
export async function writeIndex(layout: Layout, image: Descriptor): Promise<void> {
  const index: ImageIndex = { schemaVersion: 2, mediaType: mediaTypes.index, manifests: [image] };
  await writeFile(join(layout.folder, 'index.json'), canonicalJson(index));
}

export async function readManifest(layout: Layout): Promise<{ descriptor: Descriptor; manifest: ImageManifest }> {
  const index = JSON.parse(await readFile(join(layout.folder, 'index.json'), 'utf8')) as ImageIndex;
  const descriptor = index.manifests[0];
  if (!descriptor) throw new TypeError(`The image layout in ${layout.folder} holds no image`);
  return { descriptor, manifest: JSON.parse(await readFile(blobFile(layout, descriptor.digest), 'utf8')) };
}

/** Every file of the layout that the image needs, with its size in bytes. */
export async function layoutFiles(layout: Layout): Promise<readonly { path: string; bytes: number }[]> {
  const { descriptor, manifest } = await readManifest(layout);
  const blobs = [descriptor, manifest.config, ...manifest.layers].map(({ digest }) => blobPath(digest));
  const paths = ['index.json', 'oci-layout', ...new Set(blobs)];
  return Promise.all(paths.map(async (path) => ({ path, bytes: (await stat(join(layout.folder, path))).size })));
}
