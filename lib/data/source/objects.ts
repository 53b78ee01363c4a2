/** Objects of a remote source, pinned when it is resolved and fetched exactly so: what every remote source has in common. */
import { createHash } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import type { ArtifactFile, ArtifactWriter } from '../../../contract/artifact.ts';
import { FurrowError } from '../../../contract/errors.ts';
import type { JsonObject } from '../../../contract/json.ts';
import type { Fetched, ResolveContext, SourceVersion, StageLog, StageProgress } from '../../../contract/stage.ts';
import { backOff } from '../../retry/backOff.ts';
import { forEachBounded } from '../../store/bounded.ts';
import { digestOfJson } from '../../store/digest.ts';
import { staysBelow } from '../../store/safePath.ts';
import { type FetchProgress, fetchProgress } from './fetchProgress.ts';
import { addHeld, hold } from './held.ts';
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
  /** Hexadecimal. */
  readonly sha256?: string;
  /** As GCS gives it, base64 of four big-endian bytes: objects put together of parts have no md5. */
  readonly crc32c?: string;
}

/** A sum over the bytes as they come; the check that they are those that were listed. */
export interface Checksum {
  /** `md5`, `sha256` or `crc32c`. */
  readonly of: string;
  readonly expected: string;
  update(bytes: Uint8Array): void;
  /** Of all bytes so far; asked once. */
  found(): string;
}

export interface ObjectPlace {
  /** @param announce told how many bytes come, where that is said first */
  open(object: PinnedObject, signal?: AbortSignal, announce?: (bytes: number) => void): AsyncIterable<Uint8Array>;
  /** Of an object without an md5. */
  checksum(object: PinnedObject): Promise<Checksum>;
}

/** Requests at once: enough that 1,000 small objects do not wait for the way there and back one after another. */
const parallelObjects = 32;

const attempts = 6;
/** Contents that come wrong in the same way so often are wrong where they lie. */
const sameWrong = 3;
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
  const files = sorted.map((object) => [object.path, contentName(object) ?? `crc32c:${object.crc32c}:${object.bytes}`]);
  const bytes = sorted.reduce((sum, object) => sum + (object.bytes ?? Number.NaN), 0);
  return {
    digest: digestOfJson({ source: 'objects', files }),
    facts: { uri, files: sorted.length, ...(!Number.isNaN(bytes) && { bytes }), ...facts },
    pins: await keep(new TextEncoder().encode(`${JSON.stringify(sorted)}\n`)),
  };
}

/** What a content is known by, wherever it lies. */
function contentName({ sha256, md5 }: PinnedObject): string | undefined {
  if (sha256) return `sha256:${sha256}`;
  return md5 && `md5:${md5}`;
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
 * @throws FurrowError of the place; `SOURCE_CORRUPT` when an object comes wrong in the same way again and again
 */
export async function fetchObjects(fetch: ObjectsFetch): Promise<{ bytes: number; fetchedBytes: number }> {
  const { objects, fetched, output, signal } = fetch;
  const progress = fetchProgress(fetch.progress, objects);
  // Each download listens to it, and so do the retries.
  setMaxListeners(4 * parallelObjects, signal);
  await forEachBounded(objects, parallelObjects, async (object, index) => {
    signal.throwIfAborted();
    const name = contentName(object) ?? object.uri;
    const noted = await fetched.find(name);
    let file = noted && (await output.addStored(object.path, noted));
    if (!file) {
      file = await fetchOne(fetch, object, index, progress);
      await fetched.note(name, file);
      progress.finished(file.bytes, 'fetched');
    } else progress.finished(file.bytes, 'there');
  });
  return progress.sums();
}

async function fetchOne(
  { place, output, scratch, signal, log }: ObjectsFetch,
  object: PinnedObject,
  index: number,
  progress: FetchProgress,
): Promise<ArtifactFile> {
  return untilRight(log, signal, async () => {
    const body = progress.counted(checked(place, object, signal));
    const held = await hold(body, join(scratch, `object-${index}`), signal);
    return addHeld(output, object.path, held);
  });
}

/**
 * Tries again what failed in passing, and what came wrong.
 *
 * @throws FurrowError `SOURCE_CORRUPT` when it comes wrong in the same way each time
 */
export async function untilRight<T>(log: StageLog, signal: AbortSignal, act: () => Promise<T>): Promise<T> {
  let wrong = '';
  let wrongs = 0;
  for (let attempt = 1; ; attempt++) {
    try {
      return await act();
    } catch (error) {
      if (signal.aborted || !(error instanceof FurrowError)) throw error;
      const isWrong = error.code === 'SOURCE_CORRUPT';
      if (!isWrong && error.code !== 'SOURCE_UNAVAILABLE') throw error;
      wrongs = isWrong && error.message === wrong ? wrongs + 1 : 1;
      wrong = error.message;
      if (isWrong && wrongs === sameWrong) throw error;
      if (attempt === attempts) throw unavailable(error);
      log.warn(`Fetched again: ${error.message}`);
      await backOff(attempt, firstWaitMs, signal);
    }
  }
}

function unavailable(cause: FurrowError): FurrowError {
  return new FurrowError('SOURCE_UNAVAILABLE', cause.message, { details: cause.details, cause });
}

/** A small object, whole and checked. */
export function checkedBytes(place: ObjectPlace, object: PinnedObject, signal: AbortSignal): Promise<Uint8Array> {
  return buffer(checked(place, object, signal));
}

/** Ends with an error unless all bytes came, and they are those that were listed. */
export async function* checked(
  place: ObjectPlace,
  object: PinnedObject,
  signal: AbortSignal,
  announce?: (bytes: number) => void,
): AsyncIterable<Uint8Array> {
  const { uri, md5, sha256 } = object;
  const sum =
    sha256 || md5 ? hashSum(sha256 ? 'sha256' : 'md5', (sha256 ?? md5) as string) : await place.checksum(object);
  const bytes = object.bytes ?? Number.POSITIVE_INFINITY;
  let length = 0;
  for await (const chunk of place.open(object, signal, announce)) {
    signal.throwIfAborted();
    sum.update(chunk);
    length += chunk.length;
    if (length > bytes) break;
    yield chunk;
  }
  if (object.bytes !== undefined && length !== bytes)
    throw wrongContents(uri, `${length > bytes ? 'more than ' : ''}${length} bytes, and not ${bytes}`);
  const found = sum.found();
  if (found !== sum.expected) throw wrongContents(uri, `contents of ${sum.of} ${found}, and not ${sum.expected}`);
}

/** What came is not what is listed. */
export function wrongContents(uri: string, what: string): FurrowError {
  return new FurrowError('SOURCE_CORRUPT', `${uri} came wrong: ${what}`, { details: { uri } });
}

function hashSum(algorithm: 'md5' | 'sha256', expected: string): Checksum {
  const hash = createHash(algorithm);
  return { of: algorithm, expected, update: (bytes) => hash.update(bytes), found: () => hash.digest('hex') };
}
