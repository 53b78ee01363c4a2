// @ts-check
// Where the per-user cache lies, and how a file or folder enters it whole or not at all.
import { createHash, randomBytes } from 'node:crypto';
import {
  createReadStream,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

/**
 * The per-user cache of native tools, shared by every checkout: `FURROW_CACHE`, else the platform's own place for caches.
 * @param {NodeJS.ProcessEnv} [env]
 * @param {NodeJS.Platform} [platform]
 * @returns {string} an absolute path; the folder may not exist yet
 */
export function cacheRoot(env = process.env, platform = process.platform) {
  if (env.FURROW_CACHE) return resolve(env.FURROW_CACHE);
  if (env.XDG_CACHE_HOME) return resolve(env.XDG_CACHE_HOME, 'furrow');
  if (platform === 'win32') return resolve(env.LOCALAPPDATA ?? join(homedir(), 'AppData', 'Local'), 'furrow');
  if (platform === 'darwin') return resolve(homedir(), 'Library', 'Caches', 'furrow');
  return resolve(homedir(), '.cache', 'furrow');
}

/**
 * @param {string} path
 * @returns {any} the parsed file, or undefined when it is absent or not JSON: every reader then treats the entry as not there
 */
export function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

/**
 * Writes through a temporary name and a rename, so that a reader sees the old or the new content, never half.
 * @param {string} path
 * @param {unknown} value
 */
export function writeJson(path, value) {
  const aside = asideOf(path);
  try {
    writeFileSync(aside, `${JSON.stringify(value, null, 2)}\n`);
    renameSync(aside, path);
  } catch (error) {
    rmSync(aside, { force: true });
    throw error;
  }
}

/**
 * Builds a folder aside and moves it to `path` when `build` has finished; nothing is left when it throws.
 * @param {string} path
 * @param {(folder: string) => Promise<void>} build
 */
export async function commitFolder(path, build) {
  const aside = asideOf(path);
  await mkdir(aside, { recursive: true });
  try {
    await build(aside);
    await rm(path, { recursive: true, force: true });
    await mkdir(dirname(path), { recursive: true });
    await rename(aside, path);
  } catch (error) {
    await rm(aside, { recursive: true, force: true });
    throw error;
  }
}

/**
 * Removes what a killed set-up left half-written. Only for the one that holds the lock of these names.
 * @param {string} folder
 * @param {string} prefix  of the finished name
 */
export async function sweep(folder, prefix) {
  const names = existsSync(folder) ? readdirSync(folder) : [];
  for (const name of names) {
    if (name.startsWith(prefix) && name.endsWith('.tmp'))
      await rm(join(folder, name), { recursive: true, force: true });
  }
}

/**
 * A name beside `path` that no other process uses.
 * @param {string} path
 */
export function asideOf(path) {
  return `${path}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`;
}

/**
 * @param {string} path
 * @returns {Promise<string>} sha256 of the content, in hex
 */
export async function sha256(path) {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk);
  return hash.digest('hex');
}

/**
 * Size and time of a file: what tells cheaply that it is still the one that was looked at.
 * @param {string} path
 * @returns {{ bytes: number, mtimeMs: number } | undefined}
 */
export function stampOf(path) {
  const found = statSync(path, { throwIfNoEntry: false });
  return found && { bytes: found.size, mtimeMs: found.mtimeMs };
}
