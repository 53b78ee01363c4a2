/** Where objects lie that are not a bucket's alone: `gs://`, `file://`, `http://` and `https://` addresses. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { FurrowError } from '../../../contract/errors.ts';
import { type Delivery, download, isPassing, withErrors } from '../../http/download.ts';
import { type HttpRequest, HttpStatusError } from '../../http/get.ts';
import type { ObjectPlace } from './delivery.ts';

/** The bucket's client is loaded when the first `gs://` comes. */
export const remotePlace: ObjectPlace = {
  async open(object, signal, from = 0) {
    if (object.uri.startsWith('gs://')) return (await gcs()).open(object, signal, from);
    return object.uri.startsWith('file:') ? openFile(object.uri, from) : openHttp(object.uri, signal, from);
  },
  checksum: async (object) => (await gcs()).checksum(object),
};

async function gcs(): Promise<ObjectPlace> {
  return (await import('./gcsSource.ts')).gcsPlace();
}

async function openFile(uri: string, from: number): Promise<Delivery> {
  const path = fileURLToPath(uri);
  const failed = (cause: unknown): FurrowError => {
    const absent = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    const what = absent ? 'is not there' : `cannot be read: ${(cause as Error).message}`;
    const code = absent ? 'SOURCE_NOT_FOUND' : 'SOURCE_UNAVAILABLE';
    return new FurrowError(code, `${uri} ${what}`, { details: { uri }, cause });
  };
  const { size } = await stat(path).catch((cause: unknown) => {
    throw failed(cause);
  });
  const body = createReadStream(path, { highWaterMark: 1 << 20, start: from });
  return withErrors({ bytes: size - from, body, all: () => buffer(body) }, failed);
}

async function openHttp(uri: string, signal: AbortSignal | undefined, from: number): Promise<Delivery> {
  const failed = (error: unknown): unknown => httpFailure(error, uri);
  const answer = await download(async () => requestOf(uri), signal, from).catch((error: unknown) => {
    throw failed(error);
  });
  return withErrors(answer, failed);
}

/** Packed for the way it would have another length than is announced. */
function requestOf(url: string): HttpRequest {
  return { url, headers: { 'accept-encoding': 'identity' }, followRedirects: true };
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
