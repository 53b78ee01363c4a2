import type { FileHandle } from 'node:fs/promises';

/** `write` may write less than it was given; on a full disk it often does. */
export async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) done += (await file.write(bytes, done)).bytesWritten;
}
