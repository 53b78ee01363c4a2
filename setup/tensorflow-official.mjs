// @ts-check
// The package's own install: a libtensorflow and an addon built by the TensorFlow.js team, from their bucket.
import { existsSync } from 'node:fs';
import { cp, mkdir, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { commitFolder } from './cache.mjs';
import { runCommand } from './command.mjs';
import { probe } from './download.mjs';
import { reason } from './failure.mjs';
import { bindingIn, entryFolder, packageFolder, writeManifest } from './tensorflow-layout.mjs';

/** What the package's scripts/install.js takes: LIBTENSORFLOW_VERSION, but builds of its own (`r2_7`) for arm64. */
export const OFFICIAL_VERSION = process.arch === 'arm64' ? '2.7' : '2.9.1';
const HOST = 'https://storage.googleapis.com/';
const PROBE_MS = 5_000;
/** 150 MB and, where no addon is ready for this Node, a compilation. */
const INSTALL_MS = 15 * 60_000;

/** @returns {Promise<string | undefined>} why this way is closed here */
export async function officialUnfit() {
  const mirror = process.env.TFJS_NODE_CDN_STORAGE || process.env.CDN_STORAGE || HOST;
  try {
    await probe(mirror, PROBE_MS);
    return undefined;
  } catch (error) {
    return reason(error);
  }
}

/**
 * Runs the install script of the package, then moves what it made into the cache.
 * @param {{ root: string, tfjs: string, step: import('./progress.mjs').Step }} at
 * @returns {Promise<string | undefined>} the cache entry; undefined on Windows, where the addon's links are absolute and stay in place
 */
export async function installOfficially({ root, tfjs, step }) {
  const folder = packageFolder(root);
  // `deps` and `lib` may be links into the cache: the script would write through them.
  for (const name of ['deps', 'lib']) await rm(join(folder, name), { recursive: true, force: true });
  // The script calls node-pre-gyp by its bare name, as npm lets it.
  const env = { ...process.env, PATH: `${join(root, 'node_modules', '.bin')}${delimiter}${process.env.PATH ?? ''}` };
  try {
    await runCommand(process.execPath, [join('scripts', 'install.js')], {
      cwd: folder,
      env,
      timeoutMs: INSTALL_MS,
      onLine: (line) => step.update(`the package's own install: ${line.slice(0, 60)}`),
    });
    // The script reports some failures only on its output, with exit code 0.
    if (!existsSync(bindingIn(folder))) throw new Error('its install script ended without an addon');
  } catch (error) {
    for (const name of ['deps', 'lib']) await rm(join(folder, name), { recursive: true, force: true });
    throw error;
  }
  const facts = { tfjs, libtensorflow: OFFICIAL_VERSION, origin: `@tensorflow/tfjs-node ${tfjs} install script` };
  if (process.platform === 'win32') {
    await writeManifest(folder, facts);
    return undefined;
  }
  const entry = entryFolder({ tfjs, libtensorflow: OFFICIAL_VERSION });
  await commitFolder(entry, async (aside) => {
    await mkdir(aside, { recursive: true });
    for (const name of ['deps', 'lib'])
      await cp(join(folder, name), join(aside, name), { recursive: true, verbatimSymlinks: true });
    await writeManifest(aside, facts);
  });
  return entry;
}
