/** Fetches pinned objects exactly, each once. */
import { setMaxListeners } from 'node:events';
import { join } from 'node:path';
import type { ArtifactWriter } from '../../../contract/artifact.ts';
import type { Fetched, StageLog, StageProgress } from '../../../contract/stage.ts';
import { forEachBounded } from '../../parallel/bounded.ts';
import type { ObjectPlace } from './delivery.ts';
import { fetchProgress } from './fetchProgress.ts';
import { addHeld } from './held.ts';
import { contentName, type PinnedObject } from './objects.ts';
import { receive } from './receive.ts';

/** Requests at once: enough that 1,000 small objects do not wait for the way there and back one after another. */
const parallelObjects = 32;

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
  const receiver = { ...fetch, progress };
  // Each download listens to it, and so do the retries.
  setMaxListeners(4 * parallelObjects, signal);
  const one = async (object: PinnedObject, index: number): Promise<void> => {
    signal.throwIfAborted();
    const name = contentName(object) ?? object.uri;
    const noted = await fetched.find(name);
    let file = noted && (await output.addStored(object.path, noted));
    if (!file) {
      const { held, fetchedBytes } = await receive(object, join(fetch.scratch, `object-${index}`), receiver);
      file = await addHeld(output, object.path, held);
      await fetched.note(name, file);
      progress.finished(file.bytes, fetchedBytes);
    } else progress.finished(file.bytes, 0);
  };
  try {
    await forEachBounded(objects, parallelObjects, one);
  } catch (error) {
    // What came is of use to the next attempt; the reason why not all came matters more than that this was not noted.
    await fetched.flush().catch(() => undefined);
    throw error;
  }
  await fetched.flush();
  return progress.sums();
}
