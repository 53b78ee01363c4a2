import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Digest } from '../../contract/artifact.ts';
import { FurrowError } from '../../contract/errors.ts';
import { digestOf, digestOfFile, type FileRange } from './digest.ts';
import { renewAfter } from './leases.ts';
import { blobName, corruptFolder, hexOf } from './names.ts';
import { checkThere, type Store } from './store.ts';

/** Bytes. What is smaller is written in the time that it takes to ask whether it is there. */
const worthAsking = 2 ** 16;

/** Stores bytes under their digest. What is there already stays as it is. */
export async function putBlob(store: Store, content: Uint8Array): Promise<{ digest: Digest; bytes: number }> {
  const digest = digestOf(content);
  const isThere = content.length > worthAsking && (await holdBlob(store, digest, content.length));
  if (!isThere) await createBlob(store, digest, () => content, content.length);
  return { digest, bytes: content.length };
}

/** Stores a file, or some bytes of it, under their digest, streamed: memory stays bounded whatever its size. */
export async function putBlobFile(
  store: Store,
  file: string,
  range: FileRange = {},
): Promise<{ digest: Digest; bytes: number }> {
  const { digest, bytes } = await digestOfFile(file, range);
  if (!(await holdBlob(store, digest, bytes))) {
    await createBlob(
      store,
      digest,
      () => verified(createReadStream(file, { ...range, highWaterMark: 1 << 20 }), digest, file),
      bytes,
    );
  }
  return { digest, bytes };
}

/** True when the blob is there with the size it should have. Its content is checked when it is read. */
export async function hasBlob(store: Store, digest: Digest, bytes: number): Promise<boolean> {
  return (await store.driver.stat(blobName(digest)))?.bytes === bytes;
}

/**
 * As {@link hasBlob}, for what is about to be referred to: a blob that has lain there for long is touched, so that no garbage
 * collection takes it before the reference is written.
 */
export async function holdBlob(store: Store, digest: Digest, bytes: number): Promise<boolean> {
  const name = blobName(digest);
  const found = await store.driver.stat(name);
  if (found?.bytes !== bytes) return false;
  return Date.now() - found.at < renewAfter || store.driver.touch(name);
}

/**
 * The bytes of a blob. The digest is checked at the end: what was consumed before must not be trusted until then.
 *
 * @throws FurrowError `BLOB_MISSING`; `BLOB_CORRUPT` (it was set aside, so that the next run makes it again); `STORE_UNAVAILABLE`
 *   when it came wrong once, and right when it was read again.
 */
export async function* readBlob(store: Store, digest: Digest): AsyncIterable<Uint8Array> {
  const name = blobName(digest);
  const body = await store.driver.open(name);
  if (!body) throw await missing(store, digest);
  try {
    yield* verified(body, digest, store.driver.uriOf(name));
  } catch (error) {
    if (error instanceof FurrowError && error.code === 'BLOB_CORRUPT') await setAside(store, digest);
    throw error;
  }
}

/** As {@link readBlob}, for what is small. */
export async function readBlobWhole(store: Store, digest: Digest): Promise<Uint8Array> {
  const name = blobName(digest);
  const content = await store.driver.read(name);
  if (!content) throw await missing(store, digest);
  const found = digestOf(content);
  if (found === digest) return content;
  await setAside(store, digest);
  throw corrupt(store.driver.uriOf(name), digest, found);
}

/** Writes a blob to `path`, whole and checked, or not at all. */
export async function copyBlob(store: Store, digest: Digest, path: string): Promise<void> {
  const aside = `${path}.part`;
  await mkdir(dirname(path), { recursive: true });
  try {
    await pipeline(Readable.from(readBlob(store, digest)), createWriteStream(aside, { highWaterMark: 1 << 20 }));
    await rename(aside, path);
  } finally {
    await rm(aside, { force: true });
  }
}

async function createBlob(
  store: Store,
  digest: Digest,
  content: () => Uint8Array | AsyncIterable<Uint8Array>,
  bytes: number,
): Promise<void> {
  const name = blobName(digest);
  if ((await store.driver.create(name, content())) === 'created') return;
  if (await holdBlob(store, digest, bytes)) return;
  // What lies there has another size than its name promises: it was torn or cut outside our hands.
  const torn = await store.driver.stat(name);
  if (torn && torn.bytes !== bytes) await store.driver.remove(name, torn.version);
  await store.driver.create(name, content());
}

async function* verified(body: AsyncIterable<Uint8Array>, digest: Digest, place: string): AsyncIterable<Uint8Array> {
  const hash = createHash('sha256');
  for await (const chunk of body) {
    hash.update(chunk);
    yield chunk;
  }
  const found: Digest = `sha256:${hash.digest('hex')}`;
  if (found !== digest) throw corrupt(place, digest, found);
}

/**
 * Moves a blob that was read wrong to `corrupt/`. Read again first: it may be the only copy, and a flaky network drive must not
 * cost it.
 */
async function setAside(store: Store, digest: Digest): Promise<void> {
  const name = blobName(digest);
  // Taken before it is read again: another reader may set it aside, too, and its stage make it anew.
  const state = await store.driver.stat(name);
  if (!state) return;
  const hash = createHash('sha256');
  for await (const chunk of (await store.driver.open(name)) ?? []) hash.update(chunk);
  if (`sha256:${hash.digest('hex')}` === digest) {
    throw new FurrowError('STORE_UNAVAILABLE', `${store.driver.uriOf(name)} came wrong once and right when read again`);
  }
  const body = await store.driver.open(name);
  if (!body) return;
  await store.driver.create(`${corruptFolder}${hexOf(digest)}-${randomUUID()}`, body);
  await store.driver.remove(name, state.version);
}

async function missing(store: Store, digest: Digest): Promise<FurrowError> {
  await checkThere(store);
  return new FurrowError('BLOB_MISSING', `${store.driver.uriOf(blobName(digest))} is missing`, { details: { digest } });
}

function corrupt(place: string, expected: Digest, found: Digest): FurrowError {
  return new FurrowError('BLOB_CORRUPT', `${place} holds ${found}, not what its name says`, {
    details: { expected, found },
  });
}
