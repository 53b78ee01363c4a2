// @ts-check
// libtensorflow as the TensorFlow.js team offers it for tfjs-node, in place of the package's own install script: that one checks no
// digest. The addon is compiled here from the package's source; where there is no compiler, their prebuilt one is taken.
import { existsSync } from 'node:fs';
import { copyFile, mkdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { cacheRoot, commitFolder, sha256, sweep } from './cache.mjs';
import { runCommand } from './command.mjs';
import { downloadFile, probe } from './download.mjs';
import { reason } from './failure.mjs';
import { tensorflow } from './pins.mjs';
import { mebibytes } from './progress.mjs';
import { compileAddon, compilesHere, tryAddon } from './tensorflow-addon.mjs';
import { bindingIn, entryFolder, NAPI_VERSION, tensorflowCache, writeManifest } from './tensorflow-layout.mjs';
import { trustOnFirstUse } from './trust.mjs';

/** @typedef {{ version: string, path: string, sha256: string }} Archive */

const HOST = 'https://storage.googleapis.com/';
const PROBE_MS = 5_000;
const UNPACK_MS = 5 * 60_000;
/** In the addon's file name, by Node's name of the system. */
const SYSTEMS = /** @type {Record<string, string>} */ ({ linux: 'linux', darwin: 'darwin', win32: 'windows' });

/** @returns {Archive | undefined} what is pinned for this kind of machine */
function pinned() {
  const archives = /** @type {Record<string, Archive>} */ (tensorflow.archives);
  return archives[`${process.platform}-${process.arch}`];
}

/** What this way brings here, if it brings anything. */
export const OFFICIAL = pinned();

/** @returns {Promise<string | undefined>} why this way is closed here */
export async function officialUnfit() {
  if (!OFFICIAL) return `there is no build for ${process.platform} ${process.arch}`;
  try {
    await probe(mirror(), PROBE_MS);
    return undefined;
  } catch (error) {
    return reason(error);
  }
}

/**
 * Fills the cache.
 * @param {{ root: string, tfjs: string, step: import('./progress.mjs').Step, archive?: Archive | undefined }} at
 * @returns {Promise<string>} the cache entry
 */
export async function installOfficially({ root, tfjs, step, archive = OFFICIAL }) {
  if (!archive) throw new Error(`there is no build for ${process.platform} ${process.arch}`);
  const entry = entryFolder({ tfjs, libtensorflow: archive.version });
  await sweep(dirname(entry), 'tfjs-');
  const file = join(cacheRoot(), 'downloads', basename(archive.path));
  if (!existsSync(file) || (await sha256(file)) !== archive.sha256)
    await download(archive.path, file, step, archive.sha256);
  await commitFolder(entry, async (folder) => {
    const deps = join(folder, 'deps');
    step.update('unpacking libtensorflow');
    await unpack(file, deps);
    await inItsPlace(deps);
    const prebuilt = await addAddon({ root, tfjs, folder, step });
    await tryAddon(folder);
    step.update('recording digests');
    await writeManifest(folder, {
      tfjs,
      libtensorflow: archive.version,
      origin: `${new URL(HOST).host}: ${basename(archive.path)}, ${prebuilt ? 'with the prebuilt addon' : 'addon compiled here'}`,
      originSha256: archive.sha256,
      ...(prebuilt ? { addonSha256: prebuilt } : {}),
    });
  });
  await rm(file, { force: true });
  return entry;
}

/**
 * @param {{ root: string, tfjs: string, folder: string, step: import('./progress.mjs').Step }} at
 * @returns {Promise<string | undefined>} sha256 of the archive of a prebuilt addon; undefined for one that was compiled
 */
async function addAddon({ root, tfjs, folder, step }) {
  if (compilesHere()) {
    try {
      step.update('compiling the addon');
      await compileAddon(root, folder);
      return undefined;
    } catch (error) {
      step.note(`TensorFlow: the addon is not compiled here (${reason(error).slice(0, 200)}); taking the prebuilt one`);
    }
  }
  return takePrebuilt({ tfjs, folder, step });
}

/**
 * Its digest is published nowhere, so it is trusted on first use (trust.mjs).
 * @param {{ tfjs: string, folder: string, step: import('./progress.mjs').Step }} at
 */
async function takePrebuilt({ tfjs, folder, step }) {
  const name = `CPU-${SYSTEMS[process.platform]}-${tfjs}.${process.platform === 'win32' ? 'zip' : 'tar.gz'}`;
  const file = join(cacheRoot(), 'downloads', name);
  try {
    const path = `tf-builds/pre-built-binary/napi-v${NAPI_VERSION}/${tfjs}/${name}`;
    const digest = await download(path, file, step);
    trustOnFirstUse(join(tensorflowCache(), 'trusted.json'), name, digest);
    const to = join(bindingIn(folder), '..');
    await unpack(file, to, ['--strip-components=1']);
    // Windows has no search path in a file: it looks beside the addon.
    if (process.platform === 'win32')
      await copyFile(join(folder, 'deps', 'lib', 'tensorflow.dll'), join(to, 'tensorflow.dll'));
    return digest;
  } finally {
    await rm(file, { force: true });
  }
}

/**
 * @param {string} path
 * @param {string} to
 * @param {import('./progress.mjs').Step} step
 * @param {string} [digest]
 */
async function download(path, to, step, digest) {
  const load = () =>
    downloadFile(`${mirror()}${path}`, to, {
      ...(digest ? { sha256: digest } : {}),
      onBytes: (done, total) =>
        step.update(`downloading ${basename(path)} ${mebibytes(done)}${total ? ` of ${mebibytes(total)}` : ''}`),
    });
  return load().catch((error) => {
    step.note(`TensorFlow: the download failed, trying again: ${reason(error)}`);
    return load();
  });
}

/** The variables of the package's own install script; whatever the mirror sends is checked all the same. */
function mirror() {
  return (process.env.TFJS_NODE_CDN_STORAGE || process.env.CDN_STORAGE || HOST).replace(/\/*$/, '/');
}

/**
 * By the system's own tar: Linux and macOS have it, and that of Windows 10 and later reads zip files too.
 * @param {string} archive
 * @param {string} to
 * @param {string[]} [options]
 */
async function unpack(archive, to, options = []) {
  await mkdir(to, { recursive: true });
  // Not the one that Git for Windows puts on PATH, which takes `C:` for a host.
  const tar =
    process.platform === 'win32' ? join(process.env.SystemRoot ?? 'C:\\Windows', 'System32', 'tar.exe') : 'tar';
  await runCommand(tar, ['-xf', archive, '-C', to, ...options], { timeoutMs: UNPACK_MS });
}

/**
 * Some of the archives for Windows hold the library at their top.
 * @param {string} deps
 */
async function inItsPlace(deps) {
  const flat = join(deps, 'tensorflow.dll');
  if (!existsSync(flat)) return;
  await mkdir(join(deps, 'lib'), { recursive: true });
  await rename(flat, join(deps, 'lib', 'tensorflow.dll'));
}
