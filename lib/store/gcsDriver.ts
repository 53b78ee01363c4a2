import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import type { File } from '@google-cloud/storage';
import { FurrowError } from '../../contract/errors.ts';
import { parseSource } from '../../contract/sourceAddress.ts';
import { gcsClient } from '../gcs/client.ts';
import { downloadObject, type ObjectDownload } from '../gcs/download.ts';
import { gcsFailure, statusOf } from '../gcs/errors.ts';
import { caught } from '../http/download.ts';
import type { Content, PointerState, StoreDriver } from './driver.ts';
import { checkName, checkPrefix } from './names.ts';

/** Bytes sent at once, kept until the server has them: what an upload takes of memory. A multiple of 256 KiB, as GCS wants it. */
const chunkBytes = 8 * 2 ** 20;

/** Of a pointer that is replaced while it is read. */
const rereads = 5;

/** Who wrote an object, among its metadata: tells an answer that was lost from a race that was. */
const writerKey = 'furrow-writer';

/**
 * A store in a bucket of Google Cloud Storage, below a prefix. Objects are created, and pointers changed, by generation
 * preconditions: the server decides who was first. A pointer's version is its generation.
 *
 * https://cloud.google.com/storage/docs/request-preconditions
 */
export async function gcsDriver(uri: string): Promise<StoreDriver> {
  const address = parseSource(uri);
  if (address.scheme !== 'gs') throw new TypeError(`Expected gs://…, got ${uri}`);
  const { bucket: bucketName, prefix } = address;
  const storage = await gcsClient();
  const bucket = storage.bucket(bucketName);
  const root = prefix === '' ? '' : `${prefix}/`;
  const base = `gs://${bucketName}${prefix === '' ? '' : `/${prefix}`}`;
  const uriOf = (name: string) => `${base}/${name}`;
  const fileOf = (name: string) => bucket.file(root + checkName(name));

  /** The new generation, or undefined when the object is not at generation `expected` (0: not there) any more. */
  async function put(name: string, content: Content, expected: string | 0): Promise<string | undefined> {
    const file = fileOf(name);
    const writer = randomUUID();
    const breaks: unknown[] = [];
    const noted = (error: unknown) => {
      breaks.push(error);
      return error;
    };
    const watched = content instanceof Uint8Array ? content : caught(content, noted);
    try {
      await upload(file, watched, { expected, writer });
      return String(file.metadata.generation);
    } catch (error) {
      if (breaks.length > 0) throw breaks[0];
      if (statusOf(error) !== 412) throw failure(error, name);
      // Also when a request that had arrived was sent again because its answer was lost.
      const metadata = await metadataOf(name);
      return metadata?.metadata?.[writerKey] === writer ? String(metadata.generation) : undefined;
    }
  }

  async function metadataOf(name: string) {
    try {
      return (await fileOf(name).getMetadata())[0];
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw failure(error, name);
    }
  }

  async function namesBelow(below: string): Promise<string[]> {
    try {
      const [files] = await bucket.getFiles({ prefix: root + checkPrefix(below), fields: 'items(name),nextPageToken' });
      return files.map((file) => file.name.slice(root.length)).sort();
    } catch (error) {
      throw failure(error, below);
    }
  }

  /** An object's bytes, with the generation that they are of. */
  async function opened(name: string): Promise<ObjectDownload | undefined> {
    try {
      return await downloadObject(storage, { bucket: bucketName, name: root + checkName(name) });
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw failure(error, name);
    }
  }

  async function whole(name: string): Promise<{ content: Buffer; generation: string } | undefined> {
    for (let again = rereads; ; again--) {
      const found = await opened(name);
      if (!found) return undefined;
      try {
        return { content: await buffer(found.body), generation: found.generation };
      } catch (error) {
        // It was replaced in a bucket that keeps no versions, after the connection broke and before it went on.
        if (again === 0 || !isAbsent(error)) throw failure(error, name);
      }
    }
  }

  const failure = (error: unknown, name: string) => gcsFailure(error, uriOf(name));

  return {
    uri: base,
    uriOf,

    create: async (name, content) => ((await put(name, content, 0)) === undefined ? 'exists' : 'created'),

    read: async (name) => (await whole(name))?.content,

    async open(name) {
      const found = await opened(name);
      return found && caught(found.body, (error) => failure(error, name));
    },

    async size(name) {
      const metadata = await metadataOf(name);
      return metadata && Number(metadata.size);
    },

    list: namesBelow,

    async remove(name) {
      try {
        await fileOf(name).delete({ ignoreNotFound: true });
      } catch (error) {
        throw failure(error, name);
      }
    },

    async readPointer(name): Promise<PointerState | undefined> {
      const found = await whole(name);
      return found && { text: found.content.toString('utf8'), version: found.generation };
    },

    async swapPointer(name, text, expected) {
      const generation = await put(name, new TextEncoder().encode(text), expected ?? 0);
      if (generation !== undefined) return generation;
      throw new FurrowError('STORE_CONFLICT', `${name} was changed by somebody else first`, { details: { name } });
    },

    listPointers: namesBelow,
  };
}

interface Upload {
  readonly expected: string | 0;
  readonly writer: string;
}

async function upload(file: File, content: Content, { expected, writer }: Upload): Promise<void> {
  const options = {
    preconditionOpts: { ifGenerationMatch: expected },
    metadata: { metadata: { [writerKey]: writer } },
    // The client would delete what does not sum up, whoever's it is by then; bytes are checked by their digest when they are read.
    validation: false,
  } as const;
  if (content instanceof Uint8Array) {
    await file.save(Buffer.from(content.buffer, content.byteOffset, content.byteLength), {
      ...options,
      resumable: false,
    });
    return;
  }
  const { first, rest } = await begin(content);
  // A small one is one request; a large one a session, whose chunks are sent again when the connection breaks.
  if (!rest) await file.save(first, { ...options, resumable: false });
  else {
    const target = file.createWriteStream({ ...options, resumable: true, chunkSize: chunkBytes });
    await pipeline(Readable.from(joined(first, rest)), target);
  }
}

/** Up to {@link chunkBytes} of a stream, and what comes after if it is longer. */
async function begin(content: AsyncIterable<Uint8Array>): Promise<{ first: Buffer; rest?: AsyncIterator<Uint8Array> }> {
  const iterator = content[Symbol.asyncIterator]();
  const chunks: Uint8Array[] = [];
  for (let bytes = 0; bytes <= chunkBytes; ) {
    const { value, done } = await iterator.next();
    if (done) return { first: Buffer.concat(chunks) };
    chunks.push(value);
    bytes += value.length;
  }
  return { first: Buffer.concat(chunks), rest: iterator };
}

async function* joined(first: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncIterable<Uint8Array> {
  try {
    yield first;
    yield* { [Symbol.asyncIterator]: () => rest };
  } finally {
    // Also when the upload ended before it came to the rest.
    await rest.return?.();
  }
}

/** The object, not the bucket, whose names the messages hold: without a bucket nothing can be made, either. */
export function isAbsent(error: unknown): boolean {
  return (
    statusOf(error) === 404 &&
    !/specified bucket does not exist|^(\{.*"message":")?(The )?bucket .*not/is.test(messageOf(error))
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : '';
}
