// @ts-check
// Which `temporal` can be used: asked once for each file, then remembered by its size and time.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, mkdirSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { cacheRoot, readJson, stampOf, writeJson } from './cache.mjs';

/** The version that is installed when there is none; it brings server 1.29.1. */
export const TEMPORAL_VERSION = '1.5.1';
/** The first server with what workflows here use. */
export const MIN_SERVER = '1.29.0';
const ASK_MS = 15_000;
const PROGRAM = process.platform === 'win32' ? 'temporal.exe' : 'temporal';

/**
 * @typedef {object} TemporalCli
 * @property {string} path
 * @property {string} version  of the command, `1.5.1`; one built from source without a version says `0.0.0-DEV`
 * @property {string} serverVersion  of the server inside, `1.29.1`
 * @property {string} from  how it came here: `PATH`, `temporal.download`, `go install`
 */

/**
 * @typedef {object} TemporalPassedOver
 * @property {string} path
 * @property {string} why
 */

/** @returns {string} where the set-up keeps its own */
export function cachedTemporal() {
  return join(cacheRoot(), 'temporal', `${TEMPORAL_VERSION}-${process.platform}-${process.arch}`, PROGRAM);
}

/**
 * The first usable `temporal`: on PATH, else in the cache. Starts a program only for a file that it has not seen before.
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {{ found: TemporalCli | undefined, passedOver: TemporalPassedOver[] }}
 */
export function searchTemporal(env = process.env) {
  /** @type {TemporalPassedOver[]} */
  const passedOver = [];
  const candidates = [
    ...onPath(env).map((path) => ({ path, from: 'PATH' })),
    { path: cachedTemporal(), from: 'cache' },
  ];
  for (const { path, from } of candidates) {
    const asked = ask(path);
    if (asked.missing) continue;
    if (asked.why) passedOver.push({ path, why: asked.why });
    else
      return {
        found: { path, version: asked.version, serverVersion: asked.serverVersion, from: asked.from ?? from },
        passedOver,
      };
  }
  return { found: undefined, passedOver };
}

/**
 * Remembers where a file in the cache came from, and the version that a build from source does not know of itself.
 * @param {string} path
 * @param {{ version: string, from: string }} facts
 */
export function rememberOrigin(path, facts) {
  const { version, from } = facts;
  remember(path, { ...askProgram(path), version, from });
}

/**
 * @param {string} path
 * @returns {Record<string, any>} what is known of the file: its versions, or why it cannot be used
 */
function ask(path) {
  const stamp = stampOf(path);
  if (!stamp || !isExecutable(path)) return { missing: true };
  const known = readJson(memory())?.[path];
  const facts =
    known?.bytes === stamp.bytes && known.mtimeMs === stamp.mtimeMs ? known : remember(path, askProgram(path));
  if (facts.serverVersion && isBelow(facts.serverVersion, MIN_SERVER)) {
    return { why: `its server is ${facts.serverVersion}, ${MIN_SERVER} or later is needed` };
  }
  return facts.serverVersion ? facts : { why: facts.why };
}

/**
 * @param {string} path
 * @returns {Record<string, any>}
 */
function askProgram(path) {
  const { stdout, stderr, error, status } = spawnSync(path, ['--version'], {
    encoding: 'utf8',
    timeout: ASK_MS,
    windowsHide: true,
  });
  const match = /temporal version (\S+) .*?server (\d+\.\d+\.\d+)/i.exec(stdout ?? '');
  if (match) return { version: match[1], serverVersion: match[2] };
  const said = (stdout || stderr || '').trim().split('\n')[0]?.slice(0, 100);
  return {
    why: error
      ? `it cannot be started (${error.message})`
      : `\`temporal --version\` says "${said}" (exit code ${status}), no server version`,
  };
}

/**
 * @param {string} path
 * @param {Record<string, any>} facts
 */
function remember(path, facts) {
  const entry = { ...facts, ...stampOf(path) };
  try {
    mkdirSync(dirname(memory()), { recursive: true });
    writeJson(memory(), { ...readJson(memory()), [path]: entry });
  } catch {
    // A cache that cannot be written (read-only home): the program is asked each time.
  }
  return entry;
}

function memory() {
  return join(cacheRoot(), 'temporal', 'known.json');
}

/** @param {NodeJS.ProcessEnv} env */
function onPath(env) {
  const folders = (env.PATH ?? env.Path ?? '').split(delimiter).filter(Boolean);
  return [...new Set(folders.map((folder) => resolve(folder, PROGRAM)))];
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return stampOf(path) !== undefined;
  } catch {
    return false;
  }
}

/**
 * @param {string} version
 * @param {string} least
 */
export function isBelow(version, least) {
  const [a, b] = [version, least].map((text) => text.split('.').map((part) => Number.parseInt(part, 10) || 0));
  for (let i = 0; i < 3; i++) {
    const difference = (a?.[i] ?? 0) - (b?.[i] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}
