import { openSync, writeSync } from 'node:fs';

/**
 * Appends to a new file, for others to follow. What cannot be written is a warning, once: nothing that counts is read from it.
 *
 * @param warn is told why the file grows no more
 */
export function growingFile(file: string, warn: (message: string) => void): (bytes: Uint8Array) => void {
  let handle: number | undefined;
  const fail = (error: unknown) => {
    handle = -1;
    warn(`the run log cannot be followed: ${error instanceof Error ? error.message : String(error)}`);
  };
  return (bytes) => {
    if (handle === -1) return;
    try {
      handle ??= openSync(file, 'w');
      for (let done = 0; done < bytes.length; ) done += writeSync(handle, bytes, done);
    } catch (error) {
      fail(error);
    }
  };
}
