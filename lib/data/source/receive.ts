/** One object, whole and right, whatever happens on the way: tried again, and gone on with after a kill. */

import { stat } from 'node:fs/promises';
import { type FailureCode, FurrowError } from '../../../contract/errors.ts';
import type { Fetched, StageLog, StoredContent } from '../../../contract/stage.ts';
import { deliver, type ObjectPlace, untilRight } from './delivery.ts';
import type { FetchProgress } from './fetchProgress.ts';
import { type Held, hold, inMemory, inTurn } from './held.ts';
import { contentName, type PinnedObject } from './objects.ts';

/** Bytes. What is larger is kept in such parts as it comes: so much is lost when a fetch is killed. */
const usualPart = 64 * 2 ** 20;

/** What wrong parts lead to: a wrong sum, a byte behind the end that is asked for, a blob that is spoilt. */
const ofParts: ReadonlySet<FailureCode> = new Set([
  'SOURCE_CORRUPT',
  'SOURCE_NOT_FOUND',
  'BLOB_CORRUPT',
  'BLOB_MISSING',
]);

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
      const { bytes, body, all } = await deliver(place, object, signal, { bytes: from, body: allOf(parts, fetched) });
      if (bytes !== undefined && bytes <= inMemory) {
        const content = await all();
        return { held: { content }, fetchedBytes: content.length };
      }
      const keep = (start: number, end: number) => inTurn(() => fetched.keepPart(name, file, start, end));
      const held = await hold(progress.counted(body, bytes), file, {
        from,
        bytes: partBytes,
        keep,
      });
      const size = 'content' in held ? held.content.length : (await stat(held.file)).size;
      return { held, fetchedBytes: size - from };
    } catch (error) {
      const known = error instanceof FurrowError ? error : undefined;
      if (known && ofParts.has(known.code)) trusted = false;
      if (from === 0 || !known || trusted) throw error;
      await fetched.giveUpParts(name);
      // The parts may be why: it is asked for from its first byte before anybody is told.
      throw new FurrowError('SOURCE_UNAVAILABLE', known.message, { details: known.details, cause: known });
    }
  });
}

async function* allOf(parts: readonly StoredContent[], fetched: Fetched): AsyncIterable<Uint8Array> {
  for (const part of parts) yield* fetched.read(part);
}
