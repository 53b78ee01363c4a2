/** Contents that come from somewhere else: checked against what was listed, and asked for again when they come wrong. */
import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { FurrowError } from '../../../contract/errors.ts';
import type { StageLog } from '../../../contract/stage.ts';
import type { Delivery } from '../../http/download.ts';
import { backOff } from '../../retry/backOff.ts';
import type { PinnedObject } from './objects.ts';

const attempts = 6;
/** Contents that come wrong in the same way so often are wrong where they lie. */
const sameWrong = 3;
const firstWaitMs = 250;

export interface ObjectPlace {
  /**
   * @param from the byte that `body` is to begin with
   * @throws FurrowError what its refusals mean, also while the bytes come
   */
  open(object: PinnedObject, signal?: AbortSignal, from?: number): Promise<Delivery>;
  /** Of an object without an md5 or sha256. */
  checksum(object: PinnedObject): Promise<Checksum>;
}

/** A sum over the bytes as they come; the check that they are those that were listed. */
export interface Checksum {
  /** `md5`, `sha256` or `crc32c`. */
  readonly of: string;
  readonly expected: string;
  update(bytes: Uint8Array): void;
  /** Of all bytes so far; asked once. */
  found(): string;
}

/**
 * Ends with an error unless all bytes come, and they are those that were listed.
 *
 * @param known its first bytes, which are not asked for
 */
export async function deliver(
  place: ObjectPlace,
  object: PinnedObject,
  signal: AbortSignal,
  known?: { readonly bytes: number; readonly body: AsyncIterable<Uint8Array> },
): Promise<Delivery> {
  const { bytes, body, all } = known?.bytes
    ? goingOn(known, () => place.open(object, signal, known.bytes))
    : await place.open(object, signal);
  const { md5, sha256 } = object;
  const sum =
    sha256 || md5 ? hashSum(sha256 ? 'sha256' : 'md5', (sha256 ?? md5) as string) : await place.checksum(object);
  return {
    bytes,
    body: checked(body, object, sum, signal),
    async all() {
      const content = await all();
      sum.update(content);
      check(object, content.length, sum);
      return content;
    },
  };
}

/** The rest is asked for when it is its turn: nothing waits, open, while what is known is read. */
function goingOn(known: { readonly body: AsyncIterable<Uint8Array> }, rest: () => Promise<Delivery>): Delivery {
  async function* body(): AsyncIterable<Uint8Array> {
    yield* known.body;
    yield* (await rest()).body;
  }
  return { bytes: undefined, body: body(), all: () => buffer(body()) };
}

async function* checked(
  body: AsyncIterable<Uint8Array>,
  object: PinnedObject,
  sum: Checksum,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  const most = object.bytes ?? Number.POSITIVE_INFINITY;
  let length = 0;
  for await (const chunk of body) {
    signal.throwIfAborted();
    sum.update(chunk);
    length += chunk.length;
    if (length > most) break;
    yield chunk;
  }
  check(object, length, sum);
}

function check({ uri, bytes }: PinnedObject, length: number, sum: Checksum): void {
  if (bytes !== undefined && length !== bytes)
    throw wrongContents(uri, `${length > bytes ? 'more than ' : ''}${length} bytes, and not ${bytes}`);
  const found = sum.found();
  if (found !== sum.expected) throw wrongContents(uri, `contents of ${sum.of} ${found}, and not ${sum.expected}`);
}

/** What came is not what is listed. */
export function wrongContents(uri: string, what: string): FurrowError {
  return new FurrowError('SOURCE_CORRUPT', `${uri} came wrong: ${what}`, { details: { uri } });
}

function hashSum(algorithm: 'md5' | 'sha256', expected: string): Checksum {
  const hash = createHash(algorithm);
  return { of: algorithm, expected, update: (bytes) => hash.update(bytes), found: () => hash.digest('hex') };
}

/**
 * Tries again what failed in passing, and what came wrong.
 *
 * @throws FurrowError `SOURCE_CORRUPT` when it comes wrong in the same way each time
 */
export async function untilRight<T>(log: StageLog, signal: AbortSignal, act: () => Promise<T>): Promise<T> {
  let wrong = '';
  let wrongs = 0;
  for (let attempt = 1; ; attempt++) {
    try {
      return await act();
    } catch (error) {
      if (signal.aborted || !(error instanceof FurrowError)) throw error;
      const isWrong = error.code === 'SOURCE_CORRUPT';
      if (!isWrong && error.code !== 'SOURCE_UNAVAILABLE') throw error;
      wrongs = isWrong && error.message === wrong ? wrongs + 1 : 1;
      wrong = error.message;
      if (isWrong && wrongs === sameWrong) throw error;
      if (attempt === attempts) throw unavailable(error);
      log.warn(`Fetched again: ${error.message}`);
      await backOff(attempt, firstWaitMs, signal);
    }
  }
}

function unavailable(cause: FurrowError): FurrowError {
  return new FurrowError('SOURCE_UNAVAILABLE', cause.message, { details: cause.details, cause });
}
