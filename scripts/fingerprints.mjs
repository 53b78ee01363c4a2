// @ts-check
// The fingerprint of each stage: what its code is, as far as it can change what the stage makes.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { transform } from 'esbuild';
import { entriesIn } from './processEntries.mjs';

/**
 * @typedef {{ modules: string[], packages: string[] }} Imports  what one module imports: sources of ours, names of packages
 * @typedef {Map<string, Imports>} Graph
 */

/**
 * @param {import('esbuild').Metafile} metafile
 * @returns {Graph}
 */
export function moduleGraph(metafile) {
  return new Map(
    Object.entries(metafile.inputs).map(([path, input]) => [
      path,
      {
        modules: input.imports.filter((item) => !item.external).map((item) => item.path),
        packages: input.imports
          .filter((item) => item.external && !isBuiltIn(item.path))
          .map((item) => packageOf(item.path)),
      },
    ]),
  );
}

/**
 * For each stage a digest over the code of its modules (without comments, types and white space), of the processes that it
 * starts, over the locked versions of all packages behind them, and over the pinned native libraries. Left out are the contract
 * and the wrapper, which every stage shares: they carry a version of their own, in contract/version.ts.
 *
 * @param {{ root: string, graph: Graph, stages: readonly string[] }} at
 * @returns {Promise<Record<string, { fingerprint: string, modules: Record<string, string>, packages: string[] }>>}
 */
export async function stageFingerprints({ root, graph, stages }) {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const shared = /sharedVersion = (\d+)/.exec(readFileSync(join(root, 'contract/version.ts'), 'utf8'))?.[1];
  /** @type {Map<string, Promise<string>>} */
  const digests = new Map();
  const digestOf = (/** @type {string} */ path) => {
    const known = digests.get(path) ?? codeDigest(root, path);
    digests.set(path, known);
    return known;
  };
  /** @type {Record<string, { fingerprint: string, modules: Record<string, string>, packages: string[] }>} */
  const result = {};
  for (const stage of stages) {
    const { modules, packages } = reach(root, graph, stage);
    /** @type {Record<string, string>} */
    const code = {};
    for (const path of modules) code[path] = await digestOf(path);
    const locked = lockedVersions(lock, packages);
    const native = packages.has('@tensorflow/tfjs-node') ? await nativePins(root) : '';
    const fingerprint = sha256(JSON.stringify({ shared, code, locked, native }));
    result[basename(stage, '.ts')] = { fingerprint: `sha256:${fingerprint}`, modules: code, packages: locked };
  }
  return result;
}

/**
 * The locked versions of the packages that package.json names for use at run time.
 * @param {string} root
 * @returns {Record<string, string>}
 */
export function directPackages(root) {
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  return Object.fromEntries(Object.keys(dependencies).map((name) => [name, packages[`node_modules/${name}`]?.version]));
}

/** @param {string} root @param {Graph} graph @param {string} stage */
function reach(root, graph, stage) {
  const modules = new Set();
  const packages = new Set();
  const queue = [stage];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (modules.has(path)) continue;
    if (path.startsWith('contract/') || path === 'lib/code/root.ts') continue;
    modules.add(path);
    const imports = graph.get(path);
    queue.push(...(imports?.modules ?? []), ...entriesIn(readFileSync(join(root, path), 'utf8')));
    for (const name of imports?.packages ?? []) packages.add(name);
  }
  return { modules: [...modules].sort(), packages };
}

/** @param {string} root @param {string} path */
async function codeDigest(root, path) {
  const source = readFileSync(join(root, path), 'utf8');
  if (!/\.[cm]?[jt]s$/.test(path)) return sha256(source);
  const { code } = await transform(source, {
    loader: 'ts',
    minifyWhitespace: true,
    legalComments: 'none',
    target: 'node20',
  });
  return sha256(code);
}

/**
 * `name@version` of the packages and of everything that they bring, by the lock file.
 * @param {Record<string, { version?: string, dependencies?: Record<string, string>, optionalDependencies?: Record<string, string> }>} lock
 * @param {Set<string>} packages
 */
function lockedVersions(lock, packages) {
  const seen = new Set();
  const queue = [...packages].map((name) => ({ name, from: '' }));
  for (let item = queue.pop(); item; item = queue.pop()) {
    const place = resolveIn(lock, item.name, item.from);
    if (!place || seen.has(place)) continue;
    seen.add(place);
    const entry = lock[place];
    // Optional ones are left out: they are the platform's choice, not the code's.
    for (const name of Object.keys(entry?.dependencies ?? {})) queue.push({ name, from: place });
  }
  return [...seen].map((place) => `${place.split('node_modules/').pop()}@${lock[place]?.version}`).sort();
}

/**
 * Node's resolution, played on the lock file's places.
 * @param {Record<string, unknown>} lock @param {string} name @param {string} from
 */
function resolveIn(lock, name, from) {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))) {
    const place = folder ? `${folder}/node_modules/${name}` : `node_modules/${name}`;
    if (place in lock) return place;
    if (!folder) return undefined;
  }
}

/**
 * What the set-up pins for TensorFlow, for every kind of machine at once: the same on every worker of one checkout. From the text and
 * not by a path, which would be imported once and then be what it was.
 * @param {string} root
 * @returns {Promise<string>}
 */
async function nativePins(root) {
  const source = readFileSync(join(root, 'setup', 'pins.mjs'), 'utf8');
  const { tensorflow } = await import(`data:text/javascript,${encodeURIComponent(source)}`);
  if (!tensorflow) throw new Error('setup/pins.mjs exports no `tensorflow`');
  return JSON.stringify(tensorflow);
}

/** @param {string} path */
function isBuiltIn(path) {
  return path.startsWith('node:');
}

/** @param {string} path */
function packageOf(path) {
  return path
    .split('/')
    .slice(0, path.startsWith('@') ? 2 : 1)
    .join('/');
}

/** @param {string} text */
function sha256(text) {
  return createHash('sha256').update(text).digest('hex');
}
