/** Contents on their way into an artifact: small ones in memory, large ones on local disk. */
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ArtifactFile, ArtifactWriter } from '../../../contract/artifact.ts';

/** Bytes. */
export const inMemory = 2 ** 20;

export type Held = { readonly content: Uint8Array } | { readonly file: string };

/**
 * Reads to the end, into memory as long as it is little.
 *
 * @param file where the rest would go; it is not there when reading fails
 */
export async function hold(body: AsyncIterable<Uint8Array>, file: string, signal: AbortSignal): Promise<Held> {
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
    await pipeline(Readable.from(whole()), createWriteStream(file), { signal });
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  }
  return { file };
}

/** Puts it into the artifact; its file is gone then. */
export async function addHeld(output: ArtifactWriter, path: string, held: Held): Promise<ArtifactFile> {
  if ('content' in held) return output.add(path, held.content);
  try {
    return await output.addFile(path, held.file);
  } finally {
    await rm(held.file, { force: true });
  }
}
