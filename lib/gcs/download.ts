/**
 * Downloads of objects. Google's client hangs when a connection ends in the middle of a body, so bodies are read here; addresses
 * and credentials are the client's.
 */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Storage } from '@google-cloud/storage';
import { backOff } from '../retry/backOff.ts';

/** No byte for so long, and the connection is given up. */
const silenceMs = 30_000;
/** Requests in a row that bring nothing. */
const attempts = 6;
const firstWaitMs = 200;

const agents = { 'http:': new HttpAgent({ keepAlive: true }), 'https:': new HttpsAgent({ keepAlive: true }) } as const;

/** An answer that is no object; `code` is its HTTP status, as in the client's own errors. */
export class GcsResponseError extends Error {
  override readonly name = 'GcsResponseError';
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export interface Download {
  readonly generation: string;
  /**
   * The object's bytes as they are stored. Goes on where it was when the connection breaks; ends with an error unless all came, and
   * they sum up to the CRC32C that the server named.
   */
  readonly body: AsyncIterable<Uint8Array>;
}

export interface ObjectName {
  readonly bucket: string;
  readonly name: string;
  /** The newest one unless given. */
  readonly generation?: string;
}

/** @throws GcsResponseError what the server says, after the retries that it deserves */
export async function download(client: Storage, object: ObjectName, signal?: AbortSignal): Promise<Download> {
  const first = await persistently(() => open(client, object, 0, signal), signal);
  const generation = headerOf(first, 'x-goog-generation');
  return { generation, body: whole(client, { ...object, generation }, first, signal) };
}

async function* whole(
  client: Storage,
  object: ObjectName,
  first: IncomingMessage,
  signal: AbortSignal | undefined,
): AsyncIterable<Uint8Array> {
  const { CRC32C } = await import('@google-cloud/storage');
  const sum = new CRC32C();
  const expected = /crc32c=([^,\s]+)/.exec(headerOf(first, 'x-goog-hash'))?.[1];
  const length = Number(headerOf(first, 'content-length') || Number.NaN);
  let done = 0;
  let failures = 0;
  for (let answer: IncomingMessage | undefined = first; ; answer = undefined) {
    try {
      answer ??= await open(client, object, done, signal);
      for await (const chunk of answer as AsyncIterable<Buffer>) {
        sum.update(chunk);
        done += chunk.length;
        failures = 0;
        yield chunk;
      }
      if (!(done < length)) break;
      throw new Error(`the connection ended after ${done} bytes of ${length}`);
    } catch (error) {
      if (signal?.aborted || !isPassing(error) || ++failures === attempts) throw error;
      await backOff(failures, firstWaitMs, signal);
    } finally {
      answer?.destroy();
    }
  }
  // The bytes are the caller's already: it must not trust them before the end.
  if (expected !== undefined && sum.toString() !== expected)
    throw new Error(`the bytes sum up to the CRC32C ${sum.toString()}, not ${expected}`);
}

async function persistently<T>(act: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await act();
    } catch (error) {
      if (signal?.aborted || !isPassing(error) || attempt === attempts) throw error;
      await backOff(attempt, firstWaitMs, signal);
    }
  }
}

/** As Google advises: https://cloud.google.com/storage/docs/retry-strategy */
function isPassing(error: unknown): boolean {
  if (error instanceof GcsResponseError) return error.code === 408 || error.code === 429 || error.code >= 500;
  return !(error instanceof TypeError) && !isCredentials(error);
}

function isCredentials(error: unknown): boolean {
  return error instanceof Error && /credentials|invalid_grant/i.test(error.message);
}

async function open(
  client: Storage,
  { bucket, name, generation }: ObjectName,
  from: number,
  signal: AbortSignal | undefined,
): Promise<IncomingMessage> {
  const url = new URL(`${client.apiEndpoint}/storage/v1/b/${bucket}/o/${encodeURIComponent(name)}`);
  url.searchParams.set('alt', 'media');
  if (generation) url.searchParams.set('generation', generation);
  const credentials = client.customEndpoint ? {} : await client.authClient.getRequestHeaders(url.href);
  const headers = {
    ...(credentials as Record<string, string>),
    // Else what is stored compressed would come unpacked, and be other bytes than its checksums are of.
    'accept-encoding': 'gzip',
    ...(from > 0 && { range: `bytes=${from}-` }),
  };
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const secure = url.protocol === 'https:';
    const options = { headers, signal, agent: secure ? agents['https:'] : agents['http:'] };
    const request = (secure ? httpsRequest : httpRequest)(url, options, resolve);
    request.setTimeout(silenceMs, () => request.destroy(new Error(`no byte came for ${silenceMs / 1000} s`)));
    request.on('error', reject);
    request.end();
  });
  if (answer.statusCode === (from > 0 ? 206 : 200)) return answer;
  const said: Buffer[] = [];
  for await (const chunk of answer as AsyncIterable<Buffer>) if (said.length < 16) said.push(chunk);
  const message = Buffer.concat(said).toString('utf8').slice(0, 300).trim();
  throw new GcsResponseError(answer.statusCode ?? 0, message || `HTTP ${answer.statusCode}`);
}

function headerOf(answer: IncomingMessage, name: string): string {
  const value = answer.headers[name];
  return (Array.isArray(value) ? value.join(',') : value) ?? '';
}
