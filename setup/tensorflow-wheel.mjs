// @ts-check
// libtensorflow out of the PyPI wheel, and the addon compiled against it: Linux x64, where the package's own host is not reached.
import { existsSync } from 'node:fs';
import { rename, rm, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { cacheRoot, commitFolder, sha256, sweep } from './cache.mjs';
import { runCommand } from './command.mjs';
import { downloadFile, fetchText } from './download.mjs';
import { reason, SetupFailure } from './failure.mjs';
import { tensorflow } from './pins.mjs';
import { mebibytes } from './progress.mjs';
import { compileAddon, tryAddon } from './tensorflow-addon.mjs';
import { entryFolder, writeManifest } from './tensorflow-layout.mjs';
import { extractEntry, listZip } from './zip.mjs';

export const WHEEL = tensorflow.wheel;
const DEFAULT_INDEX = 'https://pypi.org/simple/';
const LIBRARIES = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'];
/** The names that the addon is linked with, and the one that the package's own install script looks for. */
const LINKS = {
  'libtensorflow.so': 'libtensorflow_cc.so.2',
  'libtensorflow.so.2.9.1': 'libtensorflow_cc.so.2',
  'libtensorflow_framework.so': 'libtensorflow_framework.so.2',
  'libtensorflow_framework.so.2.9.1': 'libtensorflow_framework.so.2',
};
/** Of 9,400 headers, the C interface and what it includes. */
const HEADERS = /^tensorflow\/include\/(tensorflow\/(c|core\/platform|tsl\/(c|platform))\/.*\.h)$/;
const STRIP_MS = 2 * 60_000;

/** @returns {string | undefined} why the wheel cannot be used on this machine */
export function wheelUnfit() {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return `there is a wheel for linux x64 only, this is ${process.platform} ${process.arch}`;
  const header = /** @type {any} */ (process.report?.getReport())?.header;
  return header?.glibcVersionRuntime
    ? undefined
    : 'the wheel needs glibc (this system has another C library, such as musl)';
}

/**
 * Fills the cache from the wheel.
 * @param {{ root: string, tfjs: string, step: import('./progress.mjs').Step }} at
 * @returns {Promise<string>} the cache entry
 */
export async function buildFromWheel({ root, tfjs, step }) {
  const entry = entryFolder({ tfjs, libtensorflow: WHEEL.version });
  await sweep(dirname(entry), 'tfjs-');
  await sweep(downloads(), WHEEL.file);
  const wheel = await fetchWheel(step);
  await commitFolder(entry, async (folder) => {
    await unpack(wheel, folder, step);
    step.update('compiling the addon');
    await compile(root, folder);
    await tryAddon(folder);
    step.update('recording digests');
    await writeManifest(folder, {
      tfjs,
      libtensorflow: WHEEL.version,
      origin: `pypi:${WHEEL.file}`,
      originSha256: WHEEL.sha256,
    });
  });
  // The headers and libraries are out of it; 187 MB more would only fill the disk.
  await rm(wheel, { force: true });
  return entry;
}

/** @param {import('./progress.mjs').Step} step */
async function fetchWheel(step) {
  const path = join(downloads(), WHEEL.file);
  if (existsSync(path)) {
    if ((await sha256(path)) === WHEEL.sha256) return path;
    await rm(path, { force: true });
  }
  const index = process.env.PIP_INDEX_URL || DEFAULT_INDEX;
  step.update('looking up the wheel');
  const url = await findWheel(index);
  const load = () =>
    downloadFile(url, path, {
      sha256: WHEEL.sha256,
      onBytes: (done, total) =>
        step.update(`downloading libtensorflow ${mebibytes(done)}${total ? ` of ${mebibytes(total)}` : ''}`),
    });
  await load().catch((error) => {
    step.note(`TensorFlow: the download failed, trying again: ${reason(error)}`);
    return load();
  });
  return path;
}

function downloads() {
  return join(cacheRoot(), 'downloads');
}

/**
 * Finds the wheel's address in a package index, which answers in JSON (PEP 691) or HTML (PEP 503).
 * @param {string} index  the address of a simple index, as in PIP_INDEX_URL
 */
export async function findWheel(index) {
  const page = `${index.replace(/\/*$/, '/')}${WHEEL.project}/`;
  const accept = 'application/vnd.pypi.simple.v1+json, text/html;q=0.5';
  const { text, type, url } = await fetchText(page, { accept });
  const found = type.includes('json')
    ? JSON.parse(text).files?.find((/** @type {{ filename: string }} */ file) => file.filename === WHEEL.file)?.url
    : [...text.matchAll(/href\s*=\s*["']([^"'#]+)/g)]
        .map((match) => match[1] ?? '')
        .find((href) => decodeURIComponent(basename(href)) === WHEEL.file);
  if (!found) throw new Error(`the package index at ${new URL(page).host} does not list ${WHEEL.file}`);
  const address = new URL(found, url);
  // An index that wants credentials in its own address usually wants them for its files too.
  const asked = new URL(index);
  if (asked.username && address.host === asked.host)
    Object.assign(address, { username: asked.username, password: asked.password });
  return address.href;
}

/**
 * @param {string} wheel
 * @param {string} folder
 * @param {import('./progress.mjs').Step} step
 */
async function unpack(wheel, folder, step) {
  const entries = await listZip(wheel);
  const libraries = LIBRARIES.map((name) => {
    const entry = entries.find((each) => each.name === `tensorflow/${name}`);
    if (!entry) throw new Error(`${WHEEL.file} holds no ${name}`);
    return { entry, to: join(folder, 'deps', 'lib', name) };
  });
  const headers = entries.flatMap((entry) => {
    const path = HEADERS.exec(entry.name)?.[1];
    return path ? [{ entry, to: join(folder, 'deps', 'include', path) }] : [];
  });
  const license = entries
    .filter((entry) => entry.name.endsWith('.dist-info/LICENSE'))
    .map((entry) => ({ entry, to: join(folder, 'deps', 'LICENSE') }));
  const total = libraries.reduce((sum, { entry }) => sum + entry.bytes, 0);
  let done = 0;
  for (const { entry, to } of [...libraries, ...headers, ...license]) {
    await extractEntry(wheel, entry, to, (bytes) => {
      done += bytes;
      step.update(`unpacking ${mebibytes(done)} of ${mebibytes(total)}`);
    });
  }
  for (const { to } of libraries) await strip(to, step);
  for (const [link, target] of Object.entries(LINKS)) await symlink(target, join(folder, 'deps', 'lib', link));
}

/**
 * Removes debug symbols, about a fifth of the size. Written aside first: `strip` that is killed leaves half a file.
 * @param {string} library
 * @param {import('./progress.mjs').Step} step
 */
async function strip(library, step) {
  step.update(`stripping ${basename(library)}`);
  const aside = `${library}.stripped`;
  try {
    await runCommand('strip', ['--strip-unneeded', '-o', aside, library], { timeoutMs: STRIP_MS });
    await rename(aside, library);
  } catch {
    // Without binutils the library is larger, and works as well.
    await rm(aside, { force: true });
  }
}

/**
 * @param {string} root
 * @param {string} folder  the cache entry being built
 */
async function compile(root, folder) {
  try {
    await compileAddon(root, folder);
  } catch (error) {
    throw new SetupFailure({
      what: 'The TensorFlow addon cannot be compiled',
      why: reason(error),
      todo: [
        'have a working C++17 compiler (Debian and Ubuntu: apt-get install g++; Fedora: dnf install gcc-c++), or name one in CXX',
        'run `npm run setup` again',
      ],
      cause: error,
    });
  }
}
