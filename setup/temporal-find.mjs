// @ts-check
// Which `temporal` can be used: asked once for each file, then remembered by its size and time.
import { spawnSync } from 'node:child_process';
import { accessSync, closeSync, constants, mkdirSync, openSync, readSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { cacheRoot, readJson, stampOf, writeJson } from './cache.mjs';
import { temporal } from './pins.mjs';

/** The version that is installed when there is none. */
export const TEMPORAL_VERSION = temporal.version;
/** The first server with what workflows here use. */
export const MIN_SERVER = '1.29.0';
const ASK_MS = 15_000;
/** What a program says that was built from source without being told its version: a plain `go install`. */
const UNVERSIONED = /DEV/;
/** In what Go writes into every program: the module that it was built from, with its version. */
const GO_MODULE = /\nmod\tgithub\.com\/temporalio\/cli\tv(\d+\.\d+\.\d+[^\t\n]*)/;
const ORIGIN = 'origin.json';
export const PROGRAM = process.platform === 'win32' ? 'temporal.exe' : 'temporal';

/**
 * @typedef {object} TemporalCli
 * @property {string} path
 * @property {string} version  of the command, `1.5.1`
 * @property {string} serverVersion  of the server inside, `1.29.1`
 * @property {string} from  how it came here: `PATH`, `temporal.download`, `go install`; `cache` for one that was put there by hand
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
    else {
      const { version, serverVersion } = asked;
      const found = { path, version, serverVersion, from };
      if (from === 'cache' && asked.built) found.from = 'go install';
      return { found: { ...found, ...(from === 'cache' && originOf(path)) }, passedOver };
    }
  }
  return { found: undefined, passedOver };
}

/**
 * Writes down how a file came into the cache, beside it: what is remembered by size and time is forgotten when these change.
 * @param {string} path
 * @param {{ version: string, from: string }} origin
 */
export function writeOrigin(path, { version, from }) {
  writeJson(join(dirname(path), ORIGIN), { version, from });
}

/**
 * @param {string} path
 * @returns {{ version: string, from: string } | undefined}
 */
function originOf(path) {
  const origin = readJson(join(dirname(path), ORIGIN));
  return typeof origin?.version === 'string' && typeof origin.from === 'string' ? origin : undefined;
}

/**
 * @param {string} path
 * @returns {Record<string, any>} what is known of the file: its versions, or why it cannot be used
 */
function ask(path) {
  const stamp = stampOf(path);
  if (!stamp || !isExecutable(path)) return { missing: true };
  const known = readJson(memory())?.[path];
  // One that was remembered without its Go module is asked again: earlier set-ups did not look for it.
  const same = known?.bytes === stamp.bytes && known.mtimeMs === stamp.mtimeMs && known.built !== undefined;
  const facts = same ? known : remember(path, askProgram(path));
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
  if (match) {
    const [, version = '', serverVersion] = match;
    const built = UNVERSIONED.test(version) ? goModuleVersion(path) : undefined;
    return { version: built ?? version, serverVersion, built: built !== undefined };
  }
  const said = (stdout || stderr || '').trim().split('\n')[0]?.slice(0, 100);
  return {
    why: error
      ? `it cannot be started (${error.message})`
      : `\`temporal --version\` says "${said}" (exit code ${status}), no server version`,
    built: false,
  };
}

/**
 * The version in the build information that Go leaves in a program, which needs no Go to be read: a tenth of a second for 250 MB.
 * @param {string} path
 * @returns {string | undefined} `1.5.1`
 */
function goModuleVersion(path) {
  const file = openSync(path, 'r');
  try {
    const part = Buffer.alloc(4 << 20);
    let tail = '';
    for (let read = readSync(file, part); read > 0; read = readSync(file, part)) {
      const text = tail + part.toString('latin1', 0, read);
      const version = text.includes('\nmod\t') ? GO_MODULE.exec(text)?.[1] : undefined;
      if (version) return version;
      tail = text.slice(-200);
    }
    return undefined;
  } finally {
    closeSync(file);
  }
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
