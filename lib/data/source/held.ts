/** Contents on their way into an artifact: small ones in memory, large ones on local disk. */
import { open, rm } from 'node:fs/promises';
import type { ArtifactFile, ArtifactWriter } from '../../../contract/artifact.ts';
import { limited } from '../../parallel/limited.ts';
import { writeAll } from '../../store/writeAll.ts';

/** Bytes. */
export const inMemory = 2 ** 20;

/** Files on their way into the store: the others wait on disk, and not with what is read ahead of them in memory. */
export const inTurn = limited(3);

export type Held = { readonly content: Uint8Array } | { readonly file: string };

export interface KeptParts {
  /** The byte that the first of them begins with; what is before it has been kept. */
  readonly from: number;
  /** In each. */
  readonly bytes: number;
  /** Called when the file has the bytes from `start` to `end`, not included. */
  keep(start: number, end: number): Promise<void>;
}

/**
 * Reads to the end, into memory as long as it is little.
 *
 * @param file where it goes otherwise; it is not there when reading fails
 */
export async function hold(body: AsyncIterable<Uint8Array>, file: string, parts?: KeptParts): Promise<Held> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const iterator = body[Symbol.asyncIterator]();
  while (bytes <= inMemory) {
    const { value, done } = await iterator.next();
    if (done) return { content: Buffer.concat(chunks) };
    chunks.push(value);
    bytes += value.length;
  }
  const whole = async function* () {
    yield* chunks.splice(0);
    yield* { [Symbol.asyncIterator]: () => iterator };
  };
  try {
    await write(whole(), file, parts);
    return { file };
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  } finally {
    // Also when there was no file to write to: what it comes from is open.
    await iterator.return?.();
  }
}

async function write(body: AsyncIterable<Uint8Array>, file: string, parts: KeptParts | undefined): Promise<void> {
  const handle = await open(file, 'w');
  let written = 0;
  let kept = parts?.from ?? 0;
  try {
    for await (const chunk of body) {
      // Once there is more: the last one is kept with the whole.
      for (; parts && written - kept >= parts.bytes; kept += parts.bytes) await parts.keep(kept, kept + parts.bytes);
      await writeAll(handle, chunk);
      written += chunk.length;
    }
  } finally {
    await handle.close();
  }
}

/** Puts it into the artifact; its file is gone then. */
export async function addHeld(output: ArtifactWriter, path: string, held: Held): Promise<ArtifactFile> {
  if ('content' in held) return output.add(path, held.content);
  try {
    return await inTurn(() => output.addFile(path, held.file));
  } finally {
    await rm(held.file, { force: true });
  }
}
