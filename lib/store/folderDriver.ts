import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { link, mkdir, open, readFile, rename, rm, unlink, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { FurrowError } from '../../contract/errors.ts';
import { forEachBounded } from '../parallel/bounded.ts';
import type { Content, ObjectEntry, PointerState, StoreDriver } from './driver.ts';
import {
  byName,
  codeOf,
  entries,
  isAbsent,
  pointersOf,
  removeEmptyFolders,
  stateOf,
  unavailable,
  versionsIn,
  walk,
  writeAside,
} from './folderFiles.ts';
import { checkName, checkPrefix, pointerFolders, storeFile } from './names.ts';

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
    for (let tries = 1; ; tries++) {
      try {
        return await act();
      } catch (error) {
        // More than once: a sweep may take an empty folder away.
        if (codeOf(error) !== 'ENOENT' || tries > mostFolderTries) throw error;
        const identity = fileOf(storeFile);
        if (path !== identity && (await stateOf(identity)) === undefined) throw storeIsAway(root);
        await mkdir(folder, { recursive: true });
      }
    }
  }

  const versions = (name: string) => versionsIn(fileOf(name));

  async function readPointer(name: string): Promise<PointerState | undefined> {
    const [newest] = await versions(name);
    if (newest === undefined) return undefined;
    const file = await open(join(fileOf(name), String(newest)));
    try {
      const { mtimeMs } = await file.stat();
      return { text: await file.readFile('utf8'), at: mtimeMs, version: String(newest) };
    } finally {
      await file.close();
    }
  }

  const below = async (prefix: string): Promise<string[]> => {
    const found: string[] = [];
    await walk(join(root, checkPrefix(prefix)), prefix, (name) => found.push(name));
    return found.sort();
  };

  /** Moved aside first, and looked at then: what was touched or set meanwhile goes back to its place. */
  async function removeAside(path: string, isMeant: (aside: string) => Promise<boolean>): Promise<boolean> {
    const aside = join(root, 'tmp', randomUUID());
    try {
      await rename(path, aside);
    } catch (error) {
      if (isAbsent(error)) return false;
      throw unavailable(error, path);
    }
    const meant = await isMeant(aside);
    // Made again in the meantime, it is as good.
    if (!meant) await rename(aside, path).catch(() => {});
    await rm(aside, { recursive: true, force: true });
    return meant;
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
      if ((await stateOf(path)) === undefined) return undefined;
      return createReadStream(path, { highWaterMark: 1 << 20 });
    },

    stat: (name) => stateOf(fileOf(name)),

    async touch(name) {
      const path = fileOf(name);
      const now = new Date();
      try {
        await utimes(path, now, now);
        return true;
      } catch (error) {
        if (isAbsent(error)) return false;
        throw unavailable(error, path);
      }
    },

    list: below,

    async entries(prefix) {
      const found: ObjectEntry[] = [];
      await forEachBounded(await below(prefix), parallelLooks, async (name) => {
        const state = await stateOf(fileOf(name));
        if (state) found.push({ name, ...state });
      });
      return found.sort(byName);
    },

    async remove(name, version) {
      const path = fileOf(name);
      const state = await stateOf(path);
      if (!state || (version !== undefined && state.version !== version)) return false;
      if (version === undefined) {
        await rm(path, { force: true });
        return true;
      }
      return removeAside(path, async (aside) => (await stateOf(aside))?.version === version);
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
      return [...pointersOf(await below(prefix)).keys()].sort();
    },

    async pointerEntries(prefix) {
      const found: ObjectEntry[] = [];
      await forEachBounded([...pointersOf(await below(prefix))], parallelLooks, async ([name, [newest = 0]]) => {
        const state = await stateOf(join(fileOf(name), String(newest)));
        if (state) found.push({ ...state, name, version: String(newest) });
      });
      return found.sort(byName);
    },

    async removePointer(name, version) {
      const isAt = async (folder: string) => String((await versionsIn(folder))[0]) === version;
      return (await isAt(fileOf(name))) && removeAside(fileOf(name), isAt);
    },

    async sweep(before, remove) {
      let [count, bytes] = [0, 0];
      const sweepFile = async (path: string) => {
        const state = await stateOf(path);
        if (!state || state.at >= before) return;
        count++;
        bytes += state.bytes;
        if (remove) await rm(path, { force: true });
      };
      for (const name of await entries(join(root, 'tmp'))) await sweepFile(join(root, 'tmp', name));
      for (const place of pointerFolders) {
        for (const [name, [, ...old]] of pointersOf(await below(place)))
          for (const version of old) await sweepFile(join(fileOf(name), String(version)));
      }
      if (remove) await removeEmptyFolders(root, before);
      return { count, bytes };
    },
  };
}

/** Of a folder that others take away as often as it is made. */
const mostFolderTries = 3;

/** Files looked at at once. */
const parallelLooks = 16;

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

function storeIsAway(root: string): FurrowError {
  return new FurrowError('STORE_UNAVAILABLE', `The store at ${root} is not there any more`);
}
