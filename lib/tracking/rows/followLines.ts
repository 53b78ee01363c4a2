import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** Bytes read at once. */
const pieceBytes = 2 ** 18;
/** Milliseconds between two looks at a file that grows. */
const lookEvery = 250;

export interface Following {
  /** The file grows no more: what it holds by now is all. */
  ended(): boolean;
  readonly signal?: AbortSignal;
}

/** For a file that is whole. */
const whole: Following = { ended: () => true };

/**
 * The lines of a file, also of one that still grows or is not there yet. A last line without its line feed was torn, or is being
 * written: it is never given.
 */
export async function* followLines(file: string, { ended, signal }: Following = whole): AsyncGenerator<string> {
  const handle = await opened(file, { ended, ...(signal && { signal }) });
  if (!handle) return;
  try {
    const piece = Buffer.allocUnsafe(pieceBytes);
    let torn: Buffer[] = [];
    for (let position = 0; ; ) {
      // Asked before the read: what was written until then is read.
      const isLast = ended();
      const { bytesRead } = await handle.read(piece, 0, pieceBytes, position);
      position += bytesRead;
      if (bytesRead === 0) {
        if (isLast) return;
        await sleep(lookEvery, undefined, signal && { signal });
        continue;
      }
      const read = piece.subarray(0, bytesRead);
      let from = 0;
      for (let end = read.indexOf(lineFeed); end >= 0; end = read.indexOf(lineFeed, from)) {
        yield Buffer.concat([...torn, read.subarray(from, end)]).toString('utf8');
        torn = [];
        from = end + 1;
      }
      if (from < bytesRead) torn.push(Buffer.from(read.subarray(from)));
    }
  } finally {
    await handle.close();
  }
}

const lineFeed = 10;

async function opened(file: string, { ended, signal }: Following) {
  for (;;) {
    const isLast = ended();
    try {
      return await open(file, 'r');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      if (isLast) return undefined;
      await sleep(lookEvery, undefined, signal && { signal });
    }
  }
}
