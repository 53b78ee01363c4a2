// @ts-check
// A lock between processes: a file that exists once, which its owner touches while it works.
import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const BEAT_MS = 1000;
const POLL_MS = 250;
/** An owner whose process is gone is given this long: it may live in another container, under a process id we cannot see. */
const GONE_AFTER_MS = 5 * BEAT_MS;
/** An owner on another host, or whose process id was given away again, is dead after this much silence. */
const SILENT_AFTER_MS = 120_000;

/**
 * @typedef {object} Owner
 * @property {number} pid
 * @property {string} host
 * @property {string} token
 */

/**
 * Runs `work` while holding the lock at `path`; waits while a living process holds it, takes it over from a dead one.
 * @template T
 * @param {string} path
 * @param {() => Promise<T>} work
 * @param {{ onWait?: (owner: Owner | undefined) => void, pollMs?: number }} [options]
 * @returns {Promise<T>}
 */
export async function withLock(path, work, { onWait, pollMs = POLL_MS } = {}) {
  mkdirSync(dirname(path), { recursive: true });
  /** @type {Owner} */
  const own = { pid: process.pid, host: hostname(), token: randomBytes(8).toString('hex') };
  for (let waited = false; !take(path, own); ) {
    if (removeIfDead(path)) continue;
    if (!waited) onWait?.(ownerOf(path));
    waited = true;
    await sleep(pollMs);
  }
  const beat = setInterval(() => touch(path), BEAT_MS);
  beat.unref();
  const release = () => {
    if (ownerOf(path)?.token === own.token) rmSync(path, { force: true });
  };
  process.once('exit', release);
  try {
    return await work();
  } finally {
    clearInterval(beat);
    process.removeListener('exit', release);
    release();
  }
}

/**
 * Linking a finished file makes the lock appear with its content, or not at all.
 * @param {string} path
 * @param {Owner} own
 */
function take(path, own) {
  const aside = `${path}.${own.token}`;
  writeFileSync(aside, JSON.stringify(own));
  try {
    linkSync(aside, path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    // Some network and container file systems have no hard links; exclusive creation is the next best.
    try {
      writeFileSync(path, JSON.stringify(own), { flag: 'wx' });
      return true;
    } catch (second) {
      if (codeOf(second) === 'EEXIST') return false;
      throw second;
    }
  } finally {
    rmSync(aside, { force: true });
  }
}

/**
 * Two that find the same dead owner must not remove each other's new lock: only the one that holds the guard removes.
 * @param {string} path
 */
function removeIfDead(path) {
  if (!isDead(path)) return false;
  const guard = `${path}.takeover`;
  try {
    mkdirSync(guard);
  } catch {
    if (silenceOf(guard) > SILENT_AFTER_MS) rmSync(guard, { recursive: true, force: true });
    return false;
  }
  try {
    if (!isDead(path)) return false;
    rmSync(path, { force: true });
    return true;
  } finally {
    rmSync(guard, { recursive: true, force: true });
  }
}

/** @param {string} path */
function isDead(path) {
  const silent = silenceOf(path);
  const owner = ownerOf(path);
  if (silent > SILENT_AFTER_MS) return true;
  return silent > GONE_AFTER_MS && owner?.host === hostname() && !isAlive(owner.pid);
}

/** @param {string} path */
function silenceOf(path) {
  const found = statSync(path, { throwIfNoEntry: false });
  return found ? Date.now() - found.mtimeMs : -1;
}

/**
 * @param {string} path
 * @returns {Owner | undefined}
 */
function ownerOf(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

/** @param {string} path */
function touch(path) {
  try {
    const now = new Date();
    utimesSync(path, now, now);
  } catch {
    // Taken from us after a long suspension: the work is idempotent, and its results are committed by renames.
  }
}

/** @param {unknown} error */
function codeOf(error) {
  return /** @type {NodeJS.ErrnoException} */ (error).code;
}
