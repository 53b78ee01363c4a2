/** A prefix of a bucket as a source: what lies below it now, each object at its generation. */
import { FurrowError } from '../../../contract/errors.ts';
import { gcsClient } from '../../gcs/client.ts';
import { ChecksumError, downloadObject, type ObjectName } from '../../gcs/download.ts';
import { gcsFailure, isAbsent } from '../../gcs/errors.ts';
import { readList } from '../../gcs/request.ts';
import { withErrors } from '../../http/download.ts';
import { type ObjectPlace, wrongContents } from './delivery.ts';
import type { PinnedObject } from './objects.ts';

/**
 * The objects below the prefix. Names that end with a slash are folders that a console has made.
 *
 * @throws FurrowError `SOURCE_NOT_FOUND`, `SOURCE_UNAVAILABLE`, `CREDENTIALS_MISSING`, `ACCESS_DENIED`
 */
export async function listObjects(bucket: string, prefix: string): Promise<readonly PinnedObject[]> {
  const below = prefix === '' ? '' : `${prefix}/`;
  const place = `gs://${bucket}/${prefix}`;
  try {
    const found = await readList(await gcsClient(), bucket, below, 'name,size,generation,md5Hash,crc32c');
    return found
      .filter(({ name }) => !name.endsWith('/'))
      .map(({ name, size, generation, md5Hash, crc32c }) => ({
        path: name.slice(below.length),
        uri: `gs://${bucket}/${name}#${generation}`,
        bytes: Number(size),
        ...(md5Hash && { md5: Buffer.from(md5Hash, 'base64').toString('hex') }),
        ...(crc32c && { crc32c }),
      }));
  } catch (error) {
    throw gcsFailure(error, place, 'source');
  }
}

function named(uri: string): ObjectName {
  const [, bucket = '', name = '', generation] = /^gs:\/\/([^/]+)\/(.+?)(?:#(\d+))?$/s.exec(uri) ?? [];
  return { bucket, name, ...(generation && { generation }) };
}

function failure(error: unknown, uri: string): unknown {
  if (error instanceof ChecksumError) return wrongContents(uri, error.message);
  // No bucket is no object, too, and is said so.
  if (!isAbsent(error)) return gcsFailure(error, uri, 'source');
  const options = { details: { uri }, cause: error };
  if (!named(uri).generation)
    return new FurrowError('SOURCE_NOT_FOUND', `${uri} is not there; was it pushed?`, options);
  const what = `${uri} is gone: it was removed, or replaced in a bucket that keeps no versions`;
  return new FurrowError('SOURCE_CHANGED', what, options);
}

export async function gcsPlace(): Promise<ObjectPlace> {
  const storage = await gcsClient();
  return {
    async open({ uri }, signal, from) {
      const failed = (error: unknown): unknown => failure(error, uri);
      try {
        return withErrors(await downloadObject(storage, named(uri), signal, from), failed);
      } catch (error) {
        throw failed(error);
      }
    },
    async checksum({ crc32c }) {
      const { CRC32C } = await import('@google-cloud/storage');
      const sum = new CRC32C();
      return {
        of: 'crc32c',
        expected: String(crc32c),
        update: (bytes) => sum.update(bytes as Buffer),
        found: () => sum.toString(),
      };
    },
  };
}
