import { buffer } from 'node:stream/consumers';
import { FurrowError } from '../../contract/errors.ts';
import { parseSource } from '../../contract/sourceAddress.ts';
import { gcsClient } from '../gcs/client.ts';
import { ChecksumError, downloadObject, type ObjectDownload } from '../gcs/download.ts';
import { gcsFailure, isAbsent, statusOf } from '../gcs/errors.ts';
import { readList, readMetadata } from '../gcs/request.ts';
import { answered, uploadObject } from '../gcs/upload.ts';
import { caught } from '../http/download.ts';
import type { Content, PointerState, StoreDriver } from './driver.ts';
import { checkName, checkPrefix } from './names.ts';

/** Of what is replaced while it is read, or comes wrong. */
const rereads = 5;

/**
 * A store in a bucket of Google Cloud Storage, below a prefix. Objects are created, and pointers changed, by generation
 * preconditions: the server decides who was first. A pointer's version is its generation.
 *
 * https://cloud.google.com/storage/docs/request-preconditions
 */
export async function gcsDriver(uri: string): Promise<StoreDriver> {
  const address = parseSource(uri);
  if (address.scheme !== 'gs') throw new TypeError(`Expected gs://…, got ${uri}`);
  const { bucket: bucketName, prefix } = address;
  const storage = await gcsClient();
  const bucket = storage.bucket(bucketName);
  const root = prefix === '' ? '' : `${prefix}/`;
  const base = `gs://${bucketName}${prefix === '' ? '' : `/${prefix}`}`;
  const uriOf = (name: string) => `${base}/${name}`;
  const objectOf = (name: string) => root + checkName(name);
  const fileOf = (name: string) => bucket.file(objectOf(name));

  /** The new generation, or undefined when the object is not at generation `expected` (0: not there) any more. */
  async function put(name: string, content: Content, expected: string | 0): Promise<string | undefined> {
    // What goes wrong with the content is no failure of the store.
    let broken = false;
    const watched =
      content instanceof Uint8Array
        ? content
        : caught(content, (error) => {
            broken = true;
            return error;
          });
    try {
      return await uploadObject(storage, fileOf(name), watched, expected);
    } catch (error) {
      throw broken ? error : failure(error, name);
    }
  }

  async function metadata(name: string) {
    try {
      return await readMetadata(storage, bucketName, objectOf(name));
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw failure(error, name);
    }
  }

  async function namesBelow(below: string): Promise<string[]> {
    try {
      const found = await readList(storage, bucketName, root + checkPrefix(below), 'name');
      return found.map((object) => object.name.slice(root.length)).sort();
    } catch (error) {
      throw failure(error, below);
    }
  }

  /** An object's bytes, with the generation that they are of. */
  async function opened(name: string): Promise<ObjectDownload | undefined> {
    try {
      return await downloadObject(storage, { bucket: bucketName, name: objectOf(name) });
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw failure(error, name);
    }
  }

  async function whole(name: string): Promise<{ content: Buffer; generation: string } | undefined> {
    for (let again = rereads; ; again--) {
      const found = await opened(name);
      if (!found) return undefined;
      try {
        return { content: await buffer(found.body), generation: found.generation };
      } catch (error) {
        // Absent: it was replaced in a bucket that keeps no versions, after the connection broke and before it went on.
        if (again === 0 || !(isAbsent(error) || error instanceof ChecksumError)) throw failure(error, name);
      }
    }
  }

  const failure = (error: unknown, name: string) => gcsFailure(error, uriOf(name));

  return {
    uri: base,
    uriOf,

    create: async (name, content) => ((await put(name, content, 0)) === undefined ? 'exists' : 'created'),

    read: async (name) => (await whole(name))?.content,

    async open(name) {
      const found = await opened(name);
      return found && caught(found.body, (error) => failure(error, name));
    },

    async size(name) {
      const found = await metadata(name);
      return found && Number(found.size);
    },

    async version(name) {
      const found = await metadata(name);
      return found && String(found.generation);
    },

    list: namesBelow,

    async remove(name, version) {
      // Of one generation: done twice, as when its answer was lost, it takes nothing that somebody has made since.
      const generation = version ?? (await metadata(name))?.generation;
      if (generation === undefined) return;
      try {
        await answered(fileOf(name).delete({ ignoreNotFound: true, ifGenerationMatch: generation }));
      } catch (error) {
        if (statusOf(error) !== 412) throw failure(error, name);
      }
    },

    async readPointer(name): Promise<PointerState | undefined> {
      const found = await whole(name);
      return found && { text: found.content.toString('utf8'), version: found.generation };
    },

    async swapPointer(name, text, expected) {
      const generation = await put(name, new TextEncoder().encode(text), expected ?? 0);
      if (generation !== undefined) return generation;
      throw new FurrowError('STORE_CONFLICT', `${name} was changed by somebody else first`, { details: { name } });
    },

    listPointers: namesBelow,
  };
}
