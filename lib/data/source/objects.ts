/** Objects of a remote source, pinned when it is resolved and fetched exactly so: what every remote source has in common. */
import { createHash } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import type { ArtifactFile, ArtifactWriter } from '../../../contract/artifact.ts';
import { FurrowError } from '../../../contract/errors.ts';
import type { JsonObject } from '../../../contract/json.ts';
import type { Fetched, ResolveContext, SourceVersion, StageLog, StageProgress } from '../../../contract/stage.ts';
import { backOff } from '../../retry/backOff.ts';
import { forEachBounded } from '../../store/bounded.ts';
import { digestOfJson } from '../../store/digest.ts';
import { staysBelow } from '../../store/safePath.ts';
import { isLitter } from './litter.ts';

export interface PinnedObject {
  /** Below the artifact, with forward slashes. */
  readonly path: string;
  /** With its generation, where the place has such: `gs://bucket/name#1700000000000000`. */
  readonly uri: string;
  /** Undefined where the place does not say. */
  readonly bytes?: number;
  /** Hexadecimal. */
  readonly md5?: string;
  /** As GCS gives it, base64 of four big-endian bytes: objects put together of parts have no md5. */
  readonly crc32c?: string;
}

/** A sum over the bytes as they come; the check that they are those that were listed. */
export interface Checksum {
  update(bytes: Uint8Array): void;
  /** Whether they were. */
  holds(): boolean;
}

export interface ObjectPlace {
  open(object: PinnedObject, signal?: AbortSignal): AsyncIterable<Uint8Array>;
  /** Of an object without an md5. */
  checksum(object: PinnedObject): Promise<Checksum>;
}

/** Requests at once: enough that 1,000 small objects do not wait for the way there and back one after another. */
const parallelObjects = 32;

/** Bytes. Up to here an object is held in memory, larger ones go through the scratch folder. */
const heldWhole = 2 ** 20;

const attempts = 6;
const firstWaitMs = 250;

/**
 * The version of what was listed: a digest over paths and checksums, so that the same contents elsewhere are the same version.
 *
 * @param objects as the place lists them; hidden ones and litter are left out
 * @throws FurrowError `DATA_EMPTY`; `DATA_BAD_INPUT` for names that would lie outside the destination
 */
export async function versionOfObjects(
  listed: readonly PinnedObject[],
  uri: string,
  keep: ResolveContext<unknown>['keep'],
  facts: JsonObject = {},
): Promise<SourceVersion> {
  const escaping = listed.filter(({ path }) => !staysBelow(path)).map(({ path }) => path);
  if (escaping.length > 0) {
    const shown = escaping.slice(0, 20).join(', ');
    throw new FurrowError('DATA_BAD_INPUT', `The source \`${uri}\` has names that lead out of a folder: ${shown}`, {
      details: { count: escaping.length },
    });
  }
  const objects = listed.filter(({ path }) => !path.split('/').some(isLitter));
  const seen = new Set<string>();
  const twice = objects.find(({ path }) => seen.size === seen.add(path).size);
  if (twice)
    throw new FurrowError('DATA_BAD_INPUT', `The source \`${uri}\` has ${twice.path} twice`, {
      details: { file: twice.path },
    });
  if (objects.length === 0)
    throw new FurrowError('DATA_EMPTY', `The source \`${uri}\` holds no file`, { details: { uri } });
  const sorted = objects.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  const files = sorted.map(({ path, md5, crc32c, bytes }) => [path, md5 ? `md5:${md5}` : `crc32c:${crc32c}:${bytes}`]);
  const bytes = sorted.reduce((sum, object) => sum + (object.bytes ?? Number.NaN), 0);
  return {
    digest: digestOfJson({ source: 'objects', files }),
    facts: { uri, files: sorted.length, ...(!Number.isNaN(bytes) && { bytes }), ...facts },
    pins: await keep(new TextEncoder().encode(`${JSON.stringify(sorted)}\n`)),
  };
}

export function parsePins(content: Uint8Array): readonly PinnedObject[] {
  return JSON.parse(Buffer.from(content).toString('utf8')) as readonly PinnedObject[];
}

export interface ObjectsFetch {
  readonly place: ObjectPlace;
  readonly objects: readonly PinnedObject[];
  readonly fetched: Fetched;
  readonly output: ArtifactWriter;
  readonly scratch: string;
  readonly signal: AbortSignal;
  readonly log: StageLog;
  progress(update: StageProgress): void;
}

/**
 * Fetches the objects into `output`: what the store holds already is taken from there, and what is fetched is noted one by one, so
 * that the next attempt fetches what is missing and no more.
 *
 * @throws FurrowError of the place; `SOURCE_UNAVAILABLE` when an object comes wrong again and again
 */
export async function fetchObjects(fetch: ObjectsFetch): Promise<{ fetchedBytes: number }> {
  const { objects, fetched, output, signal } = fetch;
  const total = objects.reduce((sum, { bytes = 0 }) => sum + bytes, 0);
  // Each download listens to it, and so do the retries.
  setMaxListeners(4 * parallelObjects, signal);
  const started = performance.now();
  let [done, doneBytes, fetchedBytes] = [0, 0, 0];
  await forEachBounded(objects, parallelObjects, async (object, index) => {
    signal.throwIfAborted();
    const name = object.md5 ? `md5:${object.md5}` : object.uri;
    const noted = await fetched.find(name);
    let file = noted && (await output.addStored(object.path, noted));
    if (!file) {
      file = await fetchOne(fetch, object, index);
      await fetched.note(name, file);
      fetchedBytes += file.bytes;
    }
    done++;
    doneBytes += file.bytes;
    const seconds = (performance.now() - started) / 1000;
    fetch.progress({
      doing: `fetching, ${(doneBytes / 1e6).toFixed(1)}${total > 0 ? ` of ${(total / 1e6).toFixed(1)}` : ''} MB`,
      done,
      total: objects.length,
      metrics: { bytes: doneBytes },
      ...(fetchedBytes > 0 && total > 0 && { secondsLeft: ((total - doneBytes) / fetchedBytes) * seconds }),
    });
  });
  return { fetchedBytes };
}

async function fetchOne(fetch: ObjectsFetch, object: PinnedObject, index: number): Promise<ArtifactFile> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await download(fetch, object, index);
    } catch (error) {
      if (fetch.signal.aborted || attempt === attempts || !isPassing(error)) throw error;
      fetch.log.warn(`${object.uri} is fetched again: ${(error as Error).message}`);
      await backOff(attempt, firstWaitMs, fetch.signal);
    }
  }
}

async function download(
  { place, output, scratch, signal }: ObjectsFetch,
  object: PinnedObject,
  index: number,
): Promise<ArtifactFile> {
  if ((object.bytes ?? Number.POSITIVE_INFINITY) <= heldWhole) {
    return output.add(object.path, await checkedBytes(place, object, signal));
  }
  const body = checked(place, object, signal);
  const file = join(scratch, `object-${index}`);
  try {
    await pipeline(Readable.from(body), createWriteStream(file), { signal });
    return await output.addFile(object.path, file);
  } finally {
    await rm(file, { force: true });
  }
}

/** A small object, whole and checked. */
export function checkedBytes(place: ObjectPlace, object: PinnedObject, signal: AbortSignal): Promise<Uint8Array> {
  return buffer(checked(place, object, signal));
}

/** Ends with an error unless all bytes came, and they are those that were listed. */
async function* checked(place: ObjectPlace, object: PinnedObject, signal: AbortSignal): AsyncIterable<Uint8Array> {
  const { uri, md5 } = object;
  const sum = md5 ? md5Sum(md5) : await place.checksum(object);
  const bytes = object.bytes ?? Number.POSITIVE_INFINITY;
  let length = 0;
  for await (const chunk of place.open(object, signal)) {
    signal.throwIfAborted();
    sum.update(chunk);
    length += chunk.length;
    if (length > bytes) break;
    yield chunk;
  }
  const whole = object.bytes === undefined || length === bytes;
  if (whole && sum.holds()) return;
  const wrong = whole ? 'other contents' : `${length > bytes ? 'more than ' : ''}${length} bytes of ${bytes}`;
  throw new FurrowError('SOURCE_UNAVAILABLE', `${uri} came with ${wrong} than it is listed with`, { details: { uri } });
}

function md5Sum(expected: string): Checksum {
  const hash = createHash('md5');
  return { update: (bytes) => hash.update(bytes), holds: () => hash.digest('hex') === expected };
}

function isPassing(error: unknown): boolean {
  return error instanceof FurrowError && error.code === 'SOURCE_UNAVAILABLE';
}
