/** One object, whole and right, whatever happens on the way: tried again, and gone on with after a kill. */

import { stat } from 'node:fs/promises';
import { FurrowError } from '../../../contract/errors.ts';
import type { Fetched, StageLog, StoredContent } from '../../../contract/stage.ts';
import { deliver, type ObjectPlace, untilRight } from './delivery.ts';
import type { FetchProgress } from './fetchProgress.ts';
import { type Held, hold, inMemory } from './held.ts';
import { contentName, type PinnedObject } from './objects.ts';

/** Bytes. What is larger is kept in such parts as it comes: so much is lost when a fetch is killed. */
const usualPart = 64 * 2 ** 20;

export interface Receiver {
  readonly place: ObjectPlace;
  readonly fetched: Fetched;
  readonly signal: AbortSignal;
  readonly log: StageLog;
  readonly progress: FetchProgress;
  readonly partBytes?: number;
}

/**
 * @param file where it lies in the end, if it is not small
 * @throws FurrowError of the place; `SOURCE_CORRUPT` when it comes wrong in the same way again and again
 */
export async function receive(
  object: PinnedObject,
  file: string,
  { place, fetched, signal, log, progress, partBytes = usualPart }: Receiver,
): Promise<{ readonly held: Held; readonly fetchedBytes: number }> {
  const name = contentName(object) ?? object.uri;
  let trusted = true;
  return untilRight(log, signal, async () => {
    // What was kept of it may be what is wrong with it.
    const parts = trusted ? await fetched.parts(name) : [];
    const from = parts.reduce((sum, part) => sum + part.bytes, 0);
    try {
      const { bytes, body, all } = await deliver(place, object, signal, { bytes: from, body: inTurn(parts, fetched) });
      if (from === 0 && bytes !== undefined && bytes <= inMemory) {
        const content = await all();
        return { held: { content }, fetchedBytes: content.length };
      }
      const keep = (start: number, end: number) => fetched.keepPart(name, file, start, end);
      const held = await hold(progress.counted(body, bytes === undefined ? undefined : from + bytes), file, {
        from,
        bytes: partBytes,
        keep,
      });
      const size = 'content' in held ? held.content.length : (await stat(held.file)).size;
      return { held, fetchedBytes: size - from };
    } catch (error) {
      if (error instanceof FurrowError && error.code === 'SOURCE_CORRUPT') trusted = false;
      throw error;
    }
  });
}

async function* inTurn(parts: readonly StoredContent[], fetched: Fetched): AsyncIterable<Uint8Array> {
  for (const part of parts) yield* fetched.read(part);
}
