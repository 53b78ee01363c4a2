/** Files and bytes beyond 2 GiB, where Node's own `readFile` and `hash.update` refuse. */
import type { Hash } from 'node:crypto';
import { open } from 'node:fs/promises';

/** Bytes that are read or hashed by one call: under 2 GiB, which is what a call takes at most. */
const callBytes = 2 ** 28;

/**
 * The whole file, of up to `buffer.constants.MAX_LENGTH` bytes (4 GiB in Node 20).
 *
 * @param atOnce bytes that one call reads
 * @throws the system's error, as `ENOENT`; `ERR_OUT_OF_RANGE` when the file is longer than a buffer can be
 */
export async function readLargeFile(file: string, atOnce: number = callBytes): Promise<Buffer> {
  const handle = await open(file, 'r');
  try {
    const bytes = Buffer.allocUnsafeSlow((await handle.stat()).size);
    let length = 0;
    while (length < bytes.length) {
      const { bytesRead } = await handle.read(bytes, length, Math.min(atOnce, bytes.length - length), length);
      // It became shorter meanwhile.
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return bytes.subarray(0, length);
  } finally {
    await handle.close();
  }
}

/** Hashes as `hash.update(bytes)` does. */
export function updateHash(hash: Hash, bytes: Uint8Array, atOnce: number = callBytes): Hash {
  for (let from = 0; from < bytes.length; from += atOnce) hash.update(bytes.subarray(from, from + atOnce));
  return hash;
}
