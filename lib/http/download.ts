/** Bodies that go on where they were when the connection breaks. */
import type { IncomingHttpHeaders } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { FurrowError } from '../../contract/errors.ts';
import { backOff } from '../retry/backOff.ts';
import { get, type HttpAnswer, type HttpRequest, HttpStatusError } from './get.ts';

/** Requests in a row that bring nothing. */
const attempts = 6;
const firstWaitMs = 200;

/** Bytes on their way. One of `body` and `all` is to be used, once. */
export interface Delivery {
  /** Undefined when the server does not say. */
  readonly bytes: number | undefined;
  /** Ends with an error unless all came that the server has announced. Whether they are the right ones is for the caller to check. */
  readonly body: AsyncIterable<Uint8Array>;
  /** The same, of something small: a few times as fast, and from its first byte again when the connection breaks. */
  all(): Promise<Uint8Array>;
}

export interface Download extends Delivery {
  /** Of the first answer. */
  readonly headers: IncomingHttpHeaders;
}

/** The same, with errors on the way thrown as what `as` makes of them. */
export function withErrors({ bytes, body, all }: Delivery, as: (error: unknown) => unknown): Delivery {
  return {
    bytes,
    body: caught(body, as),
    all: () =>
      all().catch((error) => {
        throw as(error);
      }),
  };
}

export async function* caught(
  body: AsyncIterable<Uint8Array>,
  as: (error: unknown) => unknown,
): AsyncIterable<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    throw as(error);
  }
}

/**
 * @param requestOf called anew for each request: credentials may have run out since
 * @param from the byte that `body` begins with; `bytes` counts from there
 * @throws HttpStatusError what the server says, after the retries that it deserves
 */
export async function download(
  requestOf: () => Promise<Omit<HttpRequest, 'signal'>>,
  signal: AbortSignal | undefined,
  from = 0,
): Promise<Download> {
  const open = async (at: number) => get({ ...(await requestOf()), signal }, at);
  const first = await persistently(() => open(from), signal);
  const length = Number(first.headers['content-length'] ?? Number.NaN) - (first.status === 206 ? 0 : from);
  const bytes = Number.isInteger(length) ? length : undefined;
  return {
    headers: first.headers,
    bytes,
    body: whole(first, { from, bytes }, open, signal),
    async all() {
      try {
        const content = new Uint8Array(await first.body.arrayBuffer());
        if (bytes === undefined || content.length === bytes) return content;
      } catch (error) {
        if (signal?.aborted || !isPassing(error)) throw error;
      }
      return buffer(whole(await persistently(() => open(from), signal), { from, bytes }, open, signal));
    },
  };
}

async function* whole(
  first: HttpAnswer,
  { from, bytes = Number.NaN }: { readonly from: number; readonly bytes: number | undefined },
  open: (from: number) => Promise<HttpAnswer>,
  signal: AbortSignal | undefined,
): AsyncIterable<Uint8Array> {
  let done = from;
  let failures = 0;
  for (let answer: HttpAnswer | undefined = first; ; answer = undefined) {
    try {
      answer ??= await open(done);
      // What came before comes again from a server that knows no ranges.
      let known = answer.status === 206 ? 0 : done;
      for await (const chunk of answer.body as AsyncIterable<Buffer>) {
        const fresh = chunk.subarray(Math.min(known, chunk.length));
        known -= chunk.length - fresh.length;
        if (fresh.length === 0) continue;
        done += fresh.length;
        failures = 0;
        yield fresh;
      }
      if (!(done < from + bytes)) return;
      throw new Error(`the connection ended after ${done} bytes of ${from + bytes}`);
    } catch (error) {
      if (signal?.aborted || !isPassing(error) || ++failures === attempts) throw error;
      await backOff(failures, firstWaitMs, signal);
    } finally {
      answer?.body.destroy();
    }
  }
}

/** Tries again what fails in passing. */
export async function persistently<T>(act: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await act();
    } catch (error) {
      if (signal?.aborted || !isPassing(error) || attempt === attempts) throw error;
      await backOff(attempt, firstWaitMs, signal);
    }
  }
}

/** As Google advises for its own, which is good sense for all: https://cloud.google.com/storage/docs/retry-strategy */
export function isPassing(error: unknown): boolean {
  if (error instanceof HttpStatusError) return isPassingStatus(error.code);
  // A TypeError is a fault of the program; undici has such for what cannot be asked.
  return !(error instanceof TypeError || error instanceof FurrowError) && codeOf(error) !== 'UND_ERR_INVALID_ARG';
}

export function isPassingStatus(status: number): boolean {
  return status === 408 || status === 429 || status >= 500;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
