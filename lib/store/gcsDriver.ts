import { buffer } from 'node:stream/consumers';
import { FurrowError } from '../../contract/errors.ts';
import { parseSource } from '../../contract/sourceAddress.ts';
import { gcsClient } from '../gcs/client.ts';
import { ChecksumError, downloadObject, type ObjectDownload } from '../gcs/download.ts';
import { gcsFailure, isAbsent, statusOf } from '../gcs/errors.ts';
import { type ObjectMetadata, readList, readMetadata } from '../gcs/request.ts';
import { answered, uploadObject } from '../gcs/upload.ts';
import { caught } from '../http/download.ts';
import type { Content, ObjectEntry, ObjectState, PointerState, StoreDriver } from './driver.ts';
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

  async function objectsBelow(below: string, fields: string): Promise<readonly ObjectMetadata[]> {
    try {
      return await readList(storage, bucketName, root + checkPrefix(below), fields);
    } catch (error) {
      throw failure(error, below);
    }
  }

  async function namesBelow(below: string): Promise<string[]> {
    const found = await objectsBelow(below, 'name');
    return found.map((object) => object.name.slice(root.length)).sort();
  }

  /** False when it is not as the preconditions say any more. */
  async function removeExactly(name: string, preconditions: Preconditions): Promise<boolean> {
    try {
      await answered(fileOf(name).delete({ ignoreNotFound: true, ...preconditions }));
      return true;
    } catch (error) {
      if (statusOf(error) === 412) return false;
      throw failure(error, name);
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

  async function whole(name: string): Promise<{ content: Buffer; generation: string; at: number } | undefined> {
    for (let again = rereads; ; again--) {
      const found = await opened(name);
      if (!found) return undefined;
      try {
        const { generation, at } = found;
        return { content: await buffer(found.body), generation, at };
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

    async stat(name) {
      const found = await metadata(name);
      return found && stateOf(found);
    },

    async touch(name) {
      try {
        await answered(fileOf(name).setMetadata({ customTime: new Date().toISOString() }));
        return true;
      } catch (error) {
        if (statusOf(error) === 404) return false;
        throw failure(error, name);
      }
    },

    list: namesBelow,

    async entries(prefix) {
      const found = await objectsBelow(prefix, entryFields);
      return found.map((object) => ({ name: object.name.slice(root.length), ...stateOf(object) })).sort(byName);
    },

    async remove(name, version) {
      const found = await metadata(name);
      if (!found || (version !== undefined && stateOf(found).version !== version)) return false;
      // By what it is right now: done twice, as when its answer was lost, it takes nothing that somebody has made since.
      const { generation, metageneration } = found;
      return removeExactly(name, {
        ifGenerationMatch: generation,
        ...(version !== undefined && metageneration !== undefined && { ifMetagenerationMatch: metageneration }),
      });
    },

    async readPointer(name): Promise<PointerState | undefined> {
      const found = await whole(name);
      return found && { text: found.content.toString('utf8'), at: found.at, version: found.generation };
    },

    async swapPointer(name, text, expected) {
      const generation = await put(name, new TextEncoder().encode(text), expected ?? 0);
      if (generation !== undefined) return generation;
      throw new FurrowError('STORE_CONFLICT', `${name} was changed by somebody else first`, { details: { name } });
    },

    listPointers: namesBelow,

    async pointerEntries(prefix) {
      const found = await objectsBelow(prefix, entryFields);
      return found
        .map((object) => ({ ...stateOf(object), name: object.name.slice(root.length), version: object.generation }))
        .sort(byName);
    },

    async removePointer(name, version) {
      if ((await metadata(name))?.generation !== version) return false;
      return removeExactly(name, { ifGenerationMatch: version });
    },

    // An upload that ended half-way leaves no object, and a pointer no earlier value.
    sweep: async () => ({ count: 0, bytes: 0 }),
  };
}

interface Preconditions {
  readonly ifGenerationMatch: string;
  readonly ifMetagenerationMatch?: string;
}

const entryFields = 'name,size,generation,metageneration,timeCreated,customTime';

/** A touched object keeps its generation; its own time says that it was. */
function stateOf({ size, generation, timeCreated = '', customTime = '' }: ObjectMetadata): ObjectState {
  const at = Math.max(Date.parse(timeCreated) || 0, Date.parse(customTime) || 0);
  return { bytes: Number(size), at, version: [generation, customTime].filter(Boolean).join(' ') };
}

function byName(a: ObjectEntry, b: ObjectEntry): number {
  return a.name < b.name ? -1 : 1;
}
