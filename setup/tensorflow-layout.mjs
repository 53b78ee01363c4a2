// @ts-check
// What a cached TensorFlow is called, what it holds, and how a checkout is linked to it.
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { cacheRoot, readJson, sha256, stampOf, writeJson } from './cache.mjs';

/** tfjs-node offers N-API versions up to this one; every Node from 20 on has it. */
export const NAPI_VERSION = 8;
/** The linked folders of the package: the addon finds `deps/lib` relative to itself, so both live in one cache entry. */
const LINKED = ['deps', 'lib'];
/** Lies in `deps/`, so that it is found in the checkout as in the cache. */
const MANIFEST = 'furrow.json';

/**
 * @typedef {object} TensorflowManifest
 * @property {string} tfjs  version of the package tfjs-node
 * @property {string} libtensorflow  version of the native library
 * @property {string} origin  where the library came from
 * @property {string} [originSha256]  digest of the archive it was taken from, which stripping and compiling do not change
 * @property {string} [addonSha256]  of the archive of a prebuilt addon, which was trusted on first use
 * @property {string} platform
 * @property {string} arch
 * @property {number} napi
 * @property {Record<string, string>} files  sha256 of each native file, by its path in the package
 * @property {Record<string, number>} bytes  size of each native file, the cheap check that it is still there and whole
 */

/** @typedef {{ version: string, sha256: string }} Pin  a version of libtensorflow, and the digest of the archive that it comes in */

/** @param {string} root  the checkout */
export function packageFolder(root) {
  return join(root, 'node_modules', '@tensorflow', 'tfjs-node');
}

/** @param {string} root */
export function tfjsVersion(root) {
  return readJson(join(packageFolder(root), 'package.json'))?.version;
}

/** The folder of all cached builds. */
export function tensorflowCache() {
  return join(cacheRoot(), 'tensorflow');
}

/**
 * @param {{ tfjs: string, libtensorflow: string, platform?: string, arch?: string }} build
 * @returns {string} the folder of that build in the cache
 */
export function entryFolder({ tfjs, libtensorflow, platform = process.platform, arch = process.arch }) {
  return join(tensorflowCache(), `tfjs-${tfjs}_tf-${libtensorflow}_${platform}-${arch}_napi-${NAPI_VERSION}`);
}

/** @param {string} folder  a cache entry, or the package in node_modules */
export function bindingIn(folder) {
  return join(folder, 'lib', `napi-v${NAPI_VERSION}`, 'tfjs_binding.node');
}

/**
 * The manifest of a cache entry or of the package in node_modules, if every file that it names is there with its size.
 * @param {string} folder
 * @returns {TensorflowManifest | undefined}
 */
export function readManifest(folder) {
  const manifest = readJson(join(folder, 'deps', MANIFEST));
  if (!manifest?.files || !manifest.bytes) return undefined;
  const whole = Object.keys(manifest.files).every(
    (file) => stampOf(join(folder, file))?.bytes === manifest.bytes[file],
  );
  return whole ? manifest : undefined;
}

/**
 * Hashes the native files of a finished folder and writes its manifest, last.
 * @param {string} folder
 * @param {{ tfjs: string, libtensorflow: string, origin: string, originSha256?: string, addonSha256?: string }} facts
 */
export async function writeManifest(folder, facts) {
  /** @type {Record<string, string>} */
  const files = {};
  /** @type {Record<string, number>} */
  const bytes = {};
  for (const file of nativeFiles(folder)) {
    files[file] = await sha256(join(folder, file));
    bytes[file] = stampOf(join(folder, file))?.bytes ?? 0;
  }
  const { platform, arch } = process;
  writeJson(join(folder, 'deps', MANIFEST), { ...facts, platform, arch, napi: NAPI_VERSION, files, bytes });
}

/**
 * Finds a whole build for this version of tfjs-node in the cache.
 * @param {string} tfjs
 * @param {readonly Pin[]} pins  best first
 * @returns {string | undefined} its folder
 */
function findCached(tfjs, pins) {
  for (const { version, sha256 } of pins) {
    const folder = entryFolder({ tfjs, libtensorflow: version });
    if (readManifest(folder)?.originSha256 === sha256) return folder;
  }
  return undefined;
}

/**
 * As findCached, and every file has the digest that was recorded when it was installed. Half a gigabyte a second, so only where a
 * checkout is linked; one that was changed since is removed.
 * @param {string} tfjs
 * @param {readonly Pin[]} pins
 * @returns {Promise<string | undefined>}
 */
export async function findIntact(tfjs, pins) {
  for (let folder = findCached(tfjs, pins); folder; folder = findCached(tfjs, pins)) {
    if (await isIntact(folder)) return folder;
    rmSync(folder, { recursive: true, force: true });
  }
  return undefined;
}

/** @param {string} folder */
async function isIntact(folder) {
  for (const [file, digest] of Object.entries(readManifest(folder)?.files ?? {})) {
    if ((await sha256(join(folder, file))) !== digest) return false;
  }
  return true;
}

/**
 * Points `deps` and `lib` of the package in node_modules to a cache entry.
 * @param {string} root
 * @param {string} entry
 */
export function linkInto(root, entry) {
  for (const name of LINKED) {
    const link = join(packageFolder(root), name);
    const target = join(entry, name);
    if (isLinkTo(link, target)) continue;
    rmSync(link, { recursive: true, force: true });
    symlinkSync(target, link, process.platform === 'win32' ? 'junction' : 'dir');
  }
}

/**
 * @param {string} link
 * @param {string} target
 */
function isLinkTo(link, target) {
  return existsSync(link) && lstatSync(link).isSymbolicLink() && readlinkSync(link) === target;
}

/**
 * The libraries and the addon, each once: links to them are left out.
 * @param {string} folder
 * @returns {string[]} paths relative to `folder`, with `/`
 */
function nativeFiles(folder) {
  return ['deps/lib', `lib/napi-v${NAPI_VERSION}`]
    .filter((part) => existsSync(join(folder, part)))
    .flatMap((part) => readdirSync(join(folder, part)).map((name) => join(folder, part, name)))
    .filter((file) => lstatSync(file).isFile() && isNative(file))
    .map((file) => relative(folder, file).split(sep).join('/'))
    .sort();
}

/** @param {string} file */
function isNative(file) {
  if (/\.(node|dll|dylib)$/.test(file)) return true;
  // A library split over versions is `lib.so.2`; a linker script of a few bytes may carry the same name.
  return /\.so(\.\d+)*$/.test(file) && readFileSync(file).subarray(0, 4).toString('latin1') === '\x7fELF';
}
