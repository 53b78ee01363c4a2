// @ts-check
// For the program at run time: where the set-up has put things. Installs nothing and asks no network.
import { resolve } from 'node:path';
import { cacheRoot } from './cache.mjs';
import { MIN_SERVER, searchTemporal } from './temporal-find.mjs';
import { bindingIn, packageFolder, readManifest, tfjsVersion } from './tensorflow-layout.mjs';

/**
 * @typedef {object} TensorflowFound
 * @property {string} version
 * @property {string} origin
 * @property {string} [originSha256]  digest of the archive it came from
 * @property {Record<string, string>} files
 * @property {string} bindingPath
 * @property {boolean} nodeNeedsUtilShim
 */

export { cacheRoot, MIN_SERVER };

/**
 * The Temporal CLI to start the dev server with: on PATH when its server is new enough, else the set-up's own.
 * Takes about a millisecond for a file that was seen before; a new one is asked for its version once.
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {import('./temporal-find.mjs').TemporalCli | undefined}
 */
export function findTemporal(env = process.env) {
  return searchTemporal(env).found;
}

/**
 * Those on PATH or in the cache that cannot be used, each with the reason, for `furrow doctor`.
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {import('./temporal-find.mjs').TemporalPassedOver[]}
 */
export function passedOverTemporals(env = process.env) {
  return searchTemporal(env).passedOver;
}

/**
 * The native TensorFlow of this checkout. `files` are sha256 digests by path in the package, as recorded when it was installed.
 * @param {string} [root]  the checkout
 * @returns {TensorflowFound | { missing: string }}
 */
export function findTensorflow(root = resolve(import.meta.dirname, '..')) {
  if (!tfjsVersion(root)) return { missing: '@tensorflow/tfjs-node is not in node_modules: run `npm run setup`' };
  const folder = packageFolder(root);
  const manifest = readManifest(folder);
  if (!manifest) return { missing: 'libtensorflow is not installed, or a file of it is gone: run `npm run setup`' };
  return {
    version: manifest.libtensorflow,
    origin: manifest.origin,
    ...(manifest.originSha256 ? { originSha256: manifest.originSha256 } : {}),
    files: manifest.files,
    bindingPath: bindingIn(folder),
    // tfjs 4.22 calls util.isNullOrUndefined and util.isArray, which Node 23 took away.
    nodeNeedsUtilShim: Number.parseInt(process.versions.node, 10) >= 23,
  };
}
