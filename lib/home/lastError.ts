import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** Bytes from the end that are looked at. */
const tailBytes = 64 << 10;

/** The levels of pino: 50 is an error. */
const errorLevel = 50;

/**
 * The last line of a log that tells of an error, for a sentence about what went wrong: an entry of that level, or what a process
 * wrote as it ended. Undefined where there is none.
 *
 * @param from bytes at the log's begin that are of earlier times
 */
export function lastErrorLine(file: string, from = 0): string | undefined {
  const lines = tailOf(file, from).split('\n').filter(Boolean).reverse();
  for (const line of lines) {
    const told = errorIn(line);
    if (told) return told;
  }
  return undefined;
}

/** How long the log is now; 0 where there is none. */
export function logLength(file: string): number {
  return withFile(file, (fd) => fstatSync(fd).size) ?? 0;
}

function errorIn(line: string): string | undefined {
  if (!line.startsWith('{')) return /^(?:[A-Z][A-Z_]+|\w*Error(?: \[\w+\])?): /.test(line) ? line : undefined;
  try {
    const { level, msg, error } = JSON.parse(line) as { level?: unknown; msg?: unknown; error?: unknown };
    if (typeof level !== 'number' || level < errorLevel) return undefined;
    return [msg, error].filter((part) => typeof part === 'string').join(': ') || undefined;
  } catch {
    return undefined;
  }
}

function tailOf(file: string, from: number): string {
  const text = withFile(file, (fd) => {
    const { size } = fstatSync(fd);
    const start = Math.max(size < from ? 0 : from, size - tailBytes);
    const bytes = Buffer.alloc(size - start);
    return bytes.toString('utf8', 0, readSync(fd, bytes, { position: start }));
  });
  return text ?? '';
}

function withFile<T>(file: string, look: (fd: number) => T): T | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(file, 'r');
    return look(fd);
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
