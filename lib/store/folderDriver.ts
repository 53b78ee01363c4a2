import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { link, mkdir, open, readdir, readFile, rm, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { FurrowError } from '../../contract/errors.ts';
import { isDiskFull } from './diskFull.ts';
import type { Content, PointerState, StoreDriver } from './driver.ts';
import { checkName, checkPrefix, storeFile } from './names.ts';
import { writeAll } from './writeAll.ts';

/**
 * A store in a folder, local or shared. An object is written aside, then linked into place: `link` is atomic and fails when the
 * name is taken, so there is one winner and never half a file. A pointer is a folder of numbered files, its value the one with the
 * highest number: to change it from version n is to create n+1 exclusively.
 *
 * Pointers are flushed to the disk, objects are not: flushing thousands of small ones takes ten times as long as writing them. A
 * killed process loses nothing by it. A power cut may take the objects of its last seconds; look-ups then see that they are gone,
 * readers that their digest does not hold, and the stage runs again.
 */
export function folderDriver(root: string): StoreDriver {
  const fileOf = (name: string) => join(root, ...checkName(name).split('/'));

  async function writeExclusively(path: string, content: Content, flush: boolean): Promise<'created' | 'exists'> {
    const aside = join(root, 'tmp', randomUUID());
    try {
      await inFolder(dirname(aside), path, () => writeAside(aside, content, flush));
      await inFolder(dirname(path), path, () => link(aside, path));
      return 'created';
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return 'exists';
      throw unavailable(error, path);
    } finally {
      await unlink(aside).catch(() => {});
    }
  }

  /**
   * Most folders are there: one is made only after the call that missed it. Where the store itself is not there any more, a drive
   * that is not mounted say, nothing may be: what was written would lie under it, and be lost to everybody.
   */
  async function inFolder<T>(folder: string, path: string, act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
      const identity = fileOf(storeFile);
      if (path !== identity && (await sizeOf(identity)) === undefined) throw storeIsAway(root);
      await mkdir(folder, { recursive: true });
      return act();
    }
  }

  async function versions(name: string): Promise<number[]> {
    const files = await entries(fileOf(name));
    return files
      .map(Number)
      .filter(Number.isInteger)
      .sort((a, b) => b - a);
  }

  async function readPointer(name: string): Promise<PointerState | undefined> {
    const [newest] = await versions(name);
    if (newest === undefined) return undefined;
    const text = await readFile(join(fileOf(name), String(newest)), 'utf8');
    return { text, version: String(newest) };
  }

  return {
    uri: pathToFileURL(root).href,
    uriOf: (name) => pathToFileURL(fileOf(name)).href,

    create: (name, content) => writeExclusively(fileOf(name), content, false),

    async read(name) {
      const path = fileOf(name);
      try {
        return await readFile(path);
      } catch (error) {
        if (isAbsent(error)) return undefined;
        throw unavailable(error, path);
      }
    },

    async open(name) {
      const path = fileOf(name);
      if ((await sizeOf(path)) === undefined) return undefined;
      return createReadStream(path, { highWaterMark: 1 << 20 });
    },

    size: (name) => sizeOf(fileOf(name)),

    async list(prefix) {
      const found: string[] = [];
      await walk(join(root, checkPrefix(prefix)), prefix, (name) => found.push(name));
      return found.sort();
    },

    version: (name) => versionOf(fileOf(name)),

    async remove(name, version) {
      const path = fileOf(name);
      if (version === undefined || (await versionOf(path)) === version) await rm(path, { force: true });
    },

    readPointer,

    async swapPointer(name, text, expected) {
      const current = (await versions(name))[0];
      const next = (expected === undefined ? 0 : Number(expected)) + 1;
      const isExpected = expected === undefined ? current === undefined : current === Number(expected);
      const bytes = new TextEncoder().encode(text);
      if (!isExpected || (await writeExclusively(join(fileOf(name), String(next)), bytes, true)) === 'exists') {
        throw new FurrowError('STORE_CONFLICT', `${name} was changed by somebody else first`, { details: { name } });
      }
      return String(next);
    },

    async listPointers(prefix) {
      const found = new Set<string>();
      await walk(join(root, checkPrefix(prefix)), prefix, (name) => found.add(name.slice(0, name.lastIndexOf('/'))));
      return [...found].sort();
    },
  };
}

async function writeAside(path: string, content: Content, flush: boolean): Promise<void> {
  const file = await open(path, 'wx');
  try {
    if (content instanceof Uint8Array) await writeAll(file, content);
    else for await (const chunk of content) await writeAll(file, chunk);
    if (flush) await file.datasync();
  } finally {
    await file.close();
  }
}

function storeIsAway(root: string): FurrowError {
  return new FurrowError('STORE_UNAVAILABLE', `The store at ${root} is not there any more`);
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    const found = await stat(path);
    return found.isFile() ? found.size : undefined;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw unavailable(error, path);
  }
}

/** Each writing makes a file of its own. */
async function versionOf(path: string): Promise<string | undefined> {
  try {
    const { ino, mtimeNs } = await stat(path, { bigint: true });
    return `${ino}-${mtimeNs}`;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw unavailable(error, path);
  }
}

/** A folder of that name holds other objects, and is none. */
function isAbsent(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'EISDIR'].includes(codeOf(error) ?? '');
}

async function entries(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if (isAbsent(error)) return [];
    throw unavailable(error, path);
  }
}

async function walk(path: string, prefix: string, found: (name: string) => void): Promise<void> {
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

function unavailable(error: unknown, path: string): unknown {
  if (codeOf(error) === undefined) return error;
  if (isDiskFull(error)) {
    return new FurrowError('STORE_FULL', `No space left to write ${path}`, { cause: error });
  }
  return new FurrowError('STORE_UNAVAILABLE', `The store cannot be used: ${(error as Error).message}`, {
    cause: error,
  });
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && !(error instanceof FurrowError)
    ? error.code
    : undefined;
}

/** Makes an empty folder a place for a store; used once, when a store is made. */
export async function prepareFolder(root: string): Promise<void> {
  await mkdir(join(root, 'tmp'), { recursive: true });
  // Links must work here: exFAT and some network drives have none, and a store without them would lose the exclusive commit.
  const probe = join(root, 'tmp', randomUUID());
  await (await open(probe, 'wx')).close();
  try {
    await link(probe, `${probe}.link`);
    await unlink(`${probe}.link`);
  } catch (error) {
    throw new FurrowError(
      'STORE_UNAVAILABLE',
      `The file system of ${root} has no hard links; put the store on one that has`,
      { cause: error },
    );
  } finally {
    await rm(probe, { force: true });
  }
}
