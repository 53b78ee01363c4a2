/** Where objects lie that are not a bucket's alone: `gs://`, `file://`, `http://` and `https://` addresses. */
import { createReadStream } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { FurrowError } from '../../../contract/errors.ts';
import type { ObjectPlace } from './objects.ts';

/** The bucket's client is loaded when the first `gs://` comes. */
export const remotePlace: ObjectPlace = {
  async *open(object, signal) {
    if (object.uri.startsWith('gs://')) yield* (await gcs()).open(object, signal);
    else if (object.uri.startsWith('file:')) yield* file(object.uri);
    else yield* http(object.uri, signal);
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

async function* http(uri: string, signal: AbortSignal | undefined): AsyncIterable<Uint8Array> {
  // Never the query or a password: they may be a signature.
  const shown = uri.replace(/\/\/[^/@]*@/, '//').replace(/[?#].*$/s, '');
  const failed = (what: string, code: 'SOURCE_NOT_FOUND' | 'ACCESS_DENIED' | 'SOURCE_UNAVAILABLE', cause?: unknown) =>
    new FurrowError(code, `${shown} ${what}`, { details: { uri: shown }, cause });
  let answer: Response;
  try {
    answer = await fetch(uri, { redirect: 'follow', ...(signal && { signal }) });
  } catch (cause) {
    throw failed('cannot be reached', 'SOURCE_UNAVAILABLE', cause);
  }
  if (answer.status === 404 || answer.status === 410) throw failed('is not there', 'SOURCE_NOT_FOUND');
  if (answer.status === 401 || answer.status === 403) throw failed(`refuses: ${answer.status}`, 'ACCESS_DENIED');
  if (!answer.ok || !answer.body) throw failed(`answers with ${answer.status}`, 'SOURCE_UNAVAILABLE');
  try {
    yield* answer.body;
  } catch (cause) {
    throw failed('broke off', 'SOURCE_UNAVAILABLE', cause);
  }
}
