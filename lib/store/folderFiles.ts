/** The files of a store in a folder: what each says of an object or a pointer, and what their errors mean. */
import { open, readdir, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { FurrowError } from '../../contract/errors.ts';
import { isDiskFull } from './diskFull.ts';
import type { Content, ObjectEntry, ObjectState } from './driver.ts';
import { writeAll } from './writeAll.ts';

/** Pointers by their names, each with its versions, the newest first. */
export function pointersOf(files: readonly string[]): Map<string, number[]> {
  const found = new Map<string, number[]>();
  for (const file of files) {
    const slash = file.lastIndexOf('/');
    const version = Number(file.slice(slash + 1));
    if (!Number.isInteger(version)) continue;
    const name = file.slice(0, slash);
    found.set(name, [...(found.get(name) ?? []), version]);
  }
  for (const all of found.values()) all.sort((a, b) => b - a);
  return found;
}

export function byName(a: ObjectEntry, b: ObjectEntry): number {
  return a.name < b.name ? -1 : 1;
}

/** The newest first. */
export async function versionsIn(folder: string): Promise<number[]> {
  const files = await entries(folder);
  return files
    .map(Number)
    .filter(Number.isInteger)
    .sort((a, b) => b - a);
}

export async function writeAside(path: string, content: Content, flush: boolean): Promise<void> {
  const file = await open(path, 'wx');
  try {
    if (content instanceof Uint8Array) await writeAll(file, content);
    else for await (const chunk of content) await writeAll(file, chunk);
    if (flush) await file.datasync();
  } finally {
    await file.close();
  }
}

/** Each writing makes a file of its own, and touching one changes its time. */
export async function stateOf(path: string): Promise<ObjectState | undefined> {
  try {
    const found = await stat(path, { bigint: true });
    if (!found.isFile()) return undefined;
    const { ino, mtimeNs, mtimeMs, size } = found;
    return { bytes: Number(size), at: Number(mtimeMs), version: `${ino}-${mtimeNs}` };
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw unavailable(error, path);
  }
}

/** A folder of that name holds other objects, and is none. */
export function isAbsent(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'EISDIR'].includes(codeOf(error) ?? '');
}

export async function entries(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if (isAbsent(error)) return [];
    throw unavailable(error, path);
  }
}

export async function walk(path: string, prefix: string, found: (name: string) => void): Promise<void> {
  let items: import('node:fs').Dirent[];
  try {
    items = await readdir(path, { withFileTypes: true });
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw unavailable(error, path);
  }
  for (const item of items) {
    if (item.isDirectory()) await walk(join(path, item.name), `${prefix}${item.name}/`, found);
    else found(`${prefix}${item.name}`);
  }
}

export function unavailable(error: unknown, path: string): unknown {
  if (codeOf(error) === undefined) return error;
  if (isDiskFull(error)) {
    return new FurrowError('STORE_FULL', `No space left to write ${path}`, { cause: error });
  }
  return new FurrowError('STORE_UNAVAILABLE', `The store cannot be used: ${(error as Error).message}`, {
    cause: error,
  });
}

export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && !(error instanceof FurrowError)
    ? error.code
    : undefined;
}

/** Of a training that is over, for example. `rmdir` takes empty ones alone. */
export async function removeEmptyFolders(folder: string, before: number): Promise<void> {
  for (const item of await readdir(folder, { withFileTypes: true })) {
    if (!item.isDirectory() || item.name === 'tmp') continue;
    const path = join(folder, item.name);
    // Before what is below is taken away: that makes it look young.
    const { mtimeMs } = await stat(path);
    await removeEmptyFolders(path, before);
    if (mtimeMs < before) await rmdir(path).catch(() => {});
  }
}
