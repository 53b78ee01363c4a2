/**
 * Uploads in sessions: chunk after chunk, each sent until the server has it. Google's client ends the whole process, or waits for
 * ever, when an answer of its sessions is lost.
 *
 * https://cloud.google.com/storage/docs/performing-resumable-uploads
 */
import type { Storage } from '@google-cloud/storage';
import { isPassing, persistently } from '../http/download.ts';
import { HttpStatusError, send } from '../http/get.ts';
import { backOff } from '../retry/backOff.ts';
import { credentials, type ObjectMetadata } from './request.ts';

/** Bytes of a request, kept until the server has them. A multiple of 256 KiB, as GCS wants it. */
const chunkBytes = 8 * 2 ** 20;
/** Of one chunk, in a row. */
const attempts = 6;
const firstWaitMs = 500;
/** Half a megabit a second will do. */
const chunkMs = 150_000;
/** The server has some bytes and wants more. */
const incomplete = 308;

class LostSessionError extends Error {
  override readonly name = 'LostSessionError';
}

export interface Target {
  readonly bucket: string;
  readonly name: string;
  /** The generation that the object must have, 0 for none. */
  readonly expected: string | 0;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * @returns the object as it was made; it may be another content than was sent, which its checksum tells
 * @throws HttpStatusError 412 when the object is not as expected; whatever `content` throws
 */
export async function uploadInChunks(
  client: Storage,
  target: Target,
  content: AsyncIterable<Uint8Array>,
): Promise<ObjectMetadata> {
  const session = await begin(client, target);
  // The only memory that it takes, used again and again: what comes in pieces is copied into it.
  const chunk = Buffer.allocUnsafe(chunkBytes);
  let filled = 0;
  let start = 0;
  for await (const piece of content) {
    for (let at = 0; at < piece.length; ) {
      if (filled === chunk.length) {
        const early = await sendChunk(session, chunk, start, undefined);
        if (early) return early;
        start += filled;
        filled = 0;
      }
      const part = piece.subarray(at, at + chunk.length - filled);
      chunk.set(part, filled);
      filled += part.length;
      at += part.length;
    }
  }
  const done = await sendChunk(session, chunk.subarray(0, filled), start, start + filled);
  if (done) return done;
  throw new Error(`the server wants more than the ${start + filled} bytes that there are`);
}

async function begin(client: Storage, { bucket, name, expected, metadata }: Target): Promise<string> {
  const query = new URLSearchParams({ uploadType: 'resumable', name, ifGenerationMatch: String(expected) });
  const url = `${client.apiEndpoint}/upload/storage/v1/b/${bucket}/o?${query}`;
  const headers = { ...(await credentials(client, url)), 'content-type': 'application/json' };
  const body = JSON.stringify({ metadata });
  const { headers: answered } = await persistently(async () => {
    const reply = await send({ method: 'POST', url, headers, body });
    if (reply.status !== 200) throw new HttpStatusError(reply.status, reply.text);
    return reply;
  });
  return String(answered.location);
}

/**
 * @param total bytes of all chunks, with the last one
 * @returns the object once the session is complete
 */
async function sendChunk(
  session: string,
  chunk: Uint8Array,
  start: number,
  total: number | undefined,
): Promise<ObjectMetadata | undefined> {
  const end = start + chunk.length;
  const of = total ?? '*';
  for (let from = start, failures = 0; ; ) {
    try {
      const range = chunk.length === 0 ? `*/${of}` : `${from}-${end - 1}/${of}`;
      const { done, has } = await put(session, chunk.subarray(from - start), range);
      if (done || (has === end && total === undefined)) return done;
      if (has > from) failures = 0;
      else if (++failures === attempts) throw new RangeError(`the server stays at ${has} bytes of ${end}`);
      from = Math.max(start, has);
    } catch (error) {
      if (error instanceof LostSessionError || !isPassing(error) || ++failures >= attempts) throw error;
      await backOff(failures, firstWaitMs, undefined);
      // All of it again: what the server has of it already it ignores, as long as it is the same.
      from = start;
    }
  }
}

/** @returns the object when it is complete, and how many bytes the server has */
async function put(
  session: string,
  body: Uint8Array,
  range: string,
): Promise<{ readonly done?: ObjectMetadata; readonly has: number }> {
  const headers = { 'content-range': `bytes ${range}` };
  const reply = await send({ method: 'PUT', url: session, headers, body, timeoutMs: chunkMs });
  if (reply.status === 200 || reply.status === 201)
    return { done: JSON.parse(reply.text) as ObjectMetadata, has: Number.NaN };
  // The bucket was there when the session began: a new one, of the next attempt, may do.
  if (reply.status === 404 || reply.status === 410)
    throw new LostSessionError(`the upload was given up: ${reply.text.slice(0, 100)}`);
  if (reply.status !== incomplete) throw new HttpStatusError(reply.status, reply.text);
  const [, last] = /bytes=0-(\d+)/.exec(String(reply.headers.range ?? '')) ?? [];
  return { has: last === undefined ? 0 : Number(last) + 1 };
}
