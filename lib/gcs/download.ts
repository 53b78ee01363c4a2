/**
 * Downloads of objects. Google's client hangs when a connection ends in the middle of an answer, so answers that are long are read
 * here; addresses and credentials are the client's.
 */
import type { Storage } from '@google-cloud/storage';
import { type Delivery, download } from '../http/download.ts';
import { requestOf } from './request.ts';

export interface ObjectName {
  readonly bucket: string;
  readonly name: string;
  /** The newest one unless given. */
  readonly generation?: string;
}

/**
 * An object's bytes as they are stored. `body`, when it begins with the first, ends with an error unless they sum up to the CRC32C
 * that the server named; `all` is for the caller to check.
 */
export interface ObjectDownload extends Delivery {
  readonly generation: string;
  /** When that generation was made, in milliseconds since 1970; 0 where the server does not say. */
  readonly at: number;
}

/** The bytes are not those that the server says it has. */
export class ChecksumError extends Error {
  override readonly name = 'ChecksumError';
}

/** @throws HttpStatusError what the server says, after the retries that it deserves; FurrowError `CREDENTIALS_MISSING` */
export async function downloadObject(
  client: Storage,
  object: ObjectName,
  signal?: AbortSignal,
  from = 0,
): Promise<ObjectDownload> {
  let { generation } = object;
  const { headers, bytes, body, all } = await download(
    () => {
      const which = generation ? `&generation=${generation}` : '';
      const path = `${object.bucket}/o/${encodeURIComponent(object.name)}?alt=media${which}`;
      // Else what is stored compressed would come unpacked, and be other bytes than its checksums are of.
      return requestOf(client, path, { encoding: 'gzip' });
    },
    signal,
    from,
  );
  // What goes on after a break is of the same one.
  generation = String(headers['x-goog-generation'] ?? '');
  const [, expected] = /crc32c=([^,\s]+)/.exec(String(headers['x-goog-hash'] ?? '')) ?? [];
  const at = Date.parse(String(headers['last-modified'] ?? '')) || 0;
  return { generation, at, bytes, body: from > 0 ? body : checked(body, expected), all };
}

async function* checked(body: AsyncIterable<Uint8Array>, expected: string | undefined): AsyncIterable<Uint8Array> {
  const { CRC32C } = await import('@google-cloud/storage');
  const sum = new CRC32C();
  for await (const chunk of body) {
    sum.update(chunk as Buffer);
    yield chunk;
  }
  // The bytes are the caller's already: it must not trust them before the end.
  if (expected !== undefined && sum.toString() !== expected)
    throw new ChecksumError(`the bytes sum up to the CRC32C ${sum.toString()}, not ${expected}`);
}
