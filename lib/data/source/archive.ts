/** What an archive holds. Nothing is written but where the caller says, whatever the names in it are. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ReadEntry } from 'tar';
import type { Entry } from 'yauzl';
import { FurrowError } from '../../../contract/errors.ts';
import type { ArchiveFormat } from '../../../contract/sourceAddress.ts';
import { staysBelow } from '../../store/safePath.ts';
import { type Held, hold } from './held.ts';

export interface Unpacked {
  /** As the archive says it, unchecked. */
  readonly path: string;
  readonly held: Held;
}

export interface Archive {
  readonly file: string;
  readonly format: ArchiveFormat;
  /** For messages. */
  readonly uri: string;
}

/**
 * The files of an archive, one after another; folders are left out.
 *
 * @param scratch where files go that are not small; no other archive's
 * @throws FurrowError `DATA_BAD_INPUT` for what is no such archive, or holds links, devices or encrypted files
 */
export async function* unpack(
  { file, format, uri }: Archive,
  scratch: string,
  signal: AbortSignal,
): AsyncIterable<Unpacked> {
  try {
    yield* format === 'zip' ? zipFiles(file, uri, scratch) : tarFiles(file, uri, scratch, signal);
  } catch (cause) {
    if (cause instanceof FurrowError || signal.aborted || isSystemError(cause)) throw cause;
    throw new FurrowError('DATA_BAD_INPUT', `${uri} cannot be unpacked: ${(cause as Error).message}`, {
      details: { uri },
      cause,
    });
  }
}

async function* zipFiles(file: string, uri: string, scratch: string): AsyncIterable<Unpacked> {
  const { openPromise } = await import('yauzl');
  const zip = await openPromise(file);
  let count = 0;
  try {
    for await (const entry of zip.eachEntry()) {
      const path = entry.fileName;
      if (path.endsWith('/')) continue;
      if (!isPlainFile(entry)) throw noPlainFile(path, uri);
      const body = await zip.openReadStreamPromise(entry);
      yield { path, held: await hold(body, join(scratch, `unpacked-${count++}`)) };
    }
  } finally {
    zip.close();
  }
}

/** Unix keeps a file's type in the upper half of the attributes; archives from elsewhere have 0 there. */
function isPlainFile({ externalFileAttributes }: Entry): boolean {
  const type = (externalFileAttributes >>> 16) & 0o170000;
  return type === 0 || type === 0o100000;
}

/** By way of the disk: its reader for streams waits for ever when the archive ends in the middle of a file. */
async function* tarFiles(file: string, uri: string, scratch: string, signal: AbortSignal): AsyncIterable<Unpacked> {
  const { extract } = await import('tar');
  const folder = join(scratch, 'unpacked');
  await mkdir(folder);
  const paths: string[] = [];
  const refused: string[] = [];
  const filter = (path: string, entry: unknown): boolean => {
    const { type } = entry as ReadEntry;
    if (signal.aborted || type === 'Directory' || type === 'GNUDumpDir') return false;
    const plain = ['File', 'OldFile', 'ContiguousFile'].includes(type);
    (plain ? paths : refused).push(path);
    return plain && staysBelow(withoutDot(path));
  };
  // By whoever unpacks it, not by the owners that it names: root may not be allowed to give files away.
  await extract({ file, cwd: folder, filter, strict: true, noMtime: true, preserveOwner: false });
  signal.throwIfAborted();
  const [link] = refused;
  if (link !== undefined) throw noPlainFile(link, uri);
  for (const path of paths) yield { path: withoutDot(path), held: { file: join(folder, path) } };
}

/** `tar .` writes ./a.tif for a.tif. */
function withoutDot(path: string): string {
  return path.replace(/^(\.\/)+/, '');
}

function noPlainFile(path: string, uri: string): FurrowError {
  return new FurrowError('DATA_BAD_INPUT', `${uri} holds ${path}, which is a link or a device; pack the file itself`, {
    details: { uri, file: path },
  });
}

/** The disk's, not the archive's. */
function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}
