/** Uploads of objects, on the condition that the object is as expected; the same bytes arrive, or none. */
import { randomUUID } from 'node:crypto';
import type { File, Storage } from '@google-cloud/storage';
import { limited } from '../parallel/limited.ts';
import { asError, statusOf } from './errors.ts';
import { type ObjectMetadata, readMetadata } from './request.ts';
import { uploadInChunks } from './resumable.ts';

/** Bytes. Longer ones wait for each other: each takes a chunk's memory while it is sent. */
const short = 2 ** 20;
const longAtOnce = 3;
const inTurn = limited(longAtOnce);

/** Longer than the client's own limit for a request, with the times that it tries again. */
const silenceMs = 5 * 60_000;

/** Who wrote an object, among its metadata: tells an answer that was lost from a race that was. */
const writerKey = 'furrow-writer';

/**
 * @param expected the generation that the object must have, 0 for none
 * @returns the new generation; undefined when the object is another one by now
 * @throws the client's errors, all of them an Error; those of `content` as they are
 */
export async function uploadObject(
  client: Storage,
  file: File,
  content: Uint8Array | AsyncIterable<Uint8Array>,
  expected: string | 0,
): Promise<string | undefined> {
  const writer = randomUUID();
  const sent = new Sent();
  let made: ObjectMetadata | undefined;
  let failure: Error | undefined;
  try {
    made = await send(client, file, content, { expected, writer, sent });
  } catch (thrown) {
    failure = asError(thrown);
    // Written after all: a request had arrived, its answer was lost, and what was sent again came too late.
    const found = await readMetadata(client, file.bucket.name, file.name).catch(() => undefined);
    if (found?.metadata?.[writerKey] === writer) made = found;
  }
  if (made && sent.whole && (made.crc32c === undefined || made.crc32c === sent.crc32c)) return String(made.generation);
  // Made, and wrong: nobody shall read it.
  if (made) await answered(file.delete({ ignoreNotFound: true, ifGenerationMatch: made.generation }));
  if (!made && statusOf(failure) === 412) return undefined;
  throw failure ?? new Error(`the bytes arrived with the CRC32C ${made?.crc32c}, not ${sent.crc32c}`);
}

/** Gives an answer of the client's up that does not come: it would wait for ever for one that breaks off. */
export async function answered<T>(answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer came for ${silenceMs / 1000} s`)), silenceMs);
  });
  try {
    return await Promise.race([answer, silence]);
  } finally {
    clearTimeout(timer);
  }
}

interface Condition {
  readonly expected: string | 0;
  readonly writer: string;
  readonly sent: Sent;
}

/** What was given to the client so far. */
class Sent {
  #sum: { update(bytes: Buffer): void; toString(): string } | undefined;
  whole = false;

  async add(bytes: Uint8Array): Promise<void> {
    this.#sum ??= new (await import('@google-cloud/storage')).CRC32C();
    this.#sum.update(bytes as Buffer);
  }

  get crc32c(): string {
    return String(this.#sum);
  }
}

async function send(
  client: Storage,
  file: File,
  content: Uint8Array | AsyncIterable<Uint8Array>,
  condition: Condition,
): Promise<ObjectMetadata> {
  const pieces = content instanceof Uint8Array ? once(content) : content;
  const iterator = pieces[Symbol.asyncIterator]();
  const first = await take(iterator, short);
  if (first.ended) return sendWhole(file, first.bytes, condition);
  const { expected, writer, sent } = condition;
  const target = { bucket: file.bucket.name, name: file.name, expected, metadata: { [writerKey]: writer } };
  // Also when it ends before a byte of it was asked for: what it reads from is open.
  return inTurn(() => uploadInChunks(client, target, summed(first.bytes, iterator, sent))).finally(() =>
    iterator.return?.(),
  );
}

async function* once(content: Uint8Array): AsyncIterable<Uint8Array> {
  yield content;
}

/** In one request; the server refuses it when the bytes do not sum up on arrival. */
async function sendWhole(file: File, content: Buffer, { expected, writer, sent }: Condition): Promise<ObjectMetadata> {
  await sent.add(content);
  sent.whole = true;
  const saved = file.save(content, {
    preconditionOpts: { ifGenerationMatch: expected },
    metadata: { crc32c: sent.crc32c, metadata: { [writerKey]: writer } },
    // The client would delete what does not sum up, whoever's it is by then.
    validation: false,
    resumable: false,
  });
  await answered(saved);
  return file.metadata as unknown as ObjectMetadata;
}

async function* summed(first: Buffer, rest: AsyncIterator<Uint8Array>, sent: Sent): AsyncIterable<Uint8Array> {
  await sent.add(first);
  yield first;
  for await (const piece of { [Symbol.asyncIterator]: () => rest }) {
    await sent.add(piece);
    yield piece;
  }
  sent.whole = true;
}

/** At least so many bytes, where there are as many. */
async function take(
  iterator: AsyncIterator<Uint8Array>,
  least: number,
): Promise<{ readonly bytes: Buffer; readonly ended: boolean }> {
  const chunks: Uint8Array[] = [];
  for (let bytes = 0; bytes <= least; ) {
    const { value, done } = await iterator.next();
    if (done) return { bytes: joined(chunks), ended: true };
    chunks.push(value);
    bytes += value.length;
  }
  return { bytes: joined(chunks), ended: false };
}

/** One piece is not copied. */
function joined(chunks: readonly Uint8Array[]): Buffer {
  const [only] = chunks;
  if (only && chunks.length === 1) return Buffer.from(only.buffer, only.byteOffset, only.byteLength);
  return Buffer.concat(chunks);
}
