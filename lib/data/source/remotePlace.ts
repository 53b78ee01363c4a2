/** Where objects lie that are not a bucket's alone: `gs://`, `file://`, `http://` and `https://` addresses. */
import { createReadStream } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { FurrowError } from '../../../contract/errors.ts';
import { download, isPassing } from '../../http/download.ts';
import { HttpStatusError } from '../../http/get.ts';
import type { ObjectPlace } from './objects.ts';

/** The bucket's client is loaded when the first `gs://` comes. */
export const remotePlace: ObjectPlace = {
  async *open(object, signal, announce) {
    if (object.uri.startsWith('gs://')) yield* (await gcs()).open(object, signal);
    else if (object.uri.startsWith('file:')) yield* file(object.uri);
    else yield* http(object.uri, signal, announce);
  },
  checksum: async (object) => (await gcs()).checksum(object),
};

async function gcs(): Promise<ObjectPlace> {
  return (await import('./gcsSource.ts')).gcsPlace();
}

async function* file(uri: string): AsyncIterable<Uint8Array> {
  try {
    yield* createReadStream(fileURLToPath(uri), { highWaterMark: 1 << 20 });
  } catch (cause) {
    const absent = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    throw new FurrowError(
      absent ? 'SOURCE_NOT_FOUND' : 'SOURCE_UNAVAILABLE',
      absent ? `${uri} is not there` : `${uri} cannot be read: ${(cause as Error).message}`,
      { details: { uri }, cause },
    );
  }
}

async function* http(
  uri: string,
  signal: AbortSignal | undefined,
  announce: ((bytes: number) => void) | undefined,
): AsyncIterable<Uint8Array> {
  try {
    // Packed for the way it would have another length than is announced.
    const request = { url: uri, headers: { 'accept-encoding': 'identity' } };
    const { body, bytes } = await download(async () => request, signal);
    if (bytes !== undefined) announce?.(bytes);
    yield* body;
  } catch (error) {
    throw httpFailure(error, uri);
  }
}

function httpFailure(cause: unknown, uri: string): unknown {
  if (!(cause instanceof Error) || cause instanceof FurrowError || cause instanceof TypeError) return cause;
  // Never the query or a password: they may be a signature.
  const shown = uri.replace(/\/\/[^/@]*@/, '//').replace(/[?#].*$/s, '');
  const failed = (code: 'SOURCE_NOT_FOUND' | 'ACCESS_DENIED' | 'SOURCE_UNAVAILABLE', what: string) =>
    new FurrowError(code, `${shown} ${what}`, { details: { uri: shown }, cause });
  const status = cause instanceof HttpStatusError ? cause.code : 0;
  if (status === 404 || status === 410) return failed('SOURCE_NOT_FOUND', 'is not there');
  if (status === 401 || status === 403) return failed('ACCESS_DENIED', `refuses: ${status}`);
  if (!isPassing(cause)) return failed('SOURCE_NOT_FOUND', `answers with ${status || cause.message}`);
  return failed('SOURCE_UNAVAILABLE', status ? `answers with ${status}` : `cannot be reached: ${cause.message}`);
}
