// @ts-check
// What only tests need, in the per-user cache: a server that speaks the protocol of Cloud Storage, and the official `dvc` and `wandb`.
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheRoot } from './cache.mjs';
import { runCommand } from './command.mjs';
import { reason } from './failure.mjs';
import { goInstall } from './goInstall.mjs';
import { withLock } from './lock.mjs';
import { startStep } from './progress.mjs';

const GCS_VERSION = '1.56.1';
const DVC_VERSION = '3.67.1';
const DVC_GS_VERSION = '3.1.0';
const WANDB_VERSION = '0.31.0';
/** Some 60 packages for DVC, 35 for W&B. */
const PIP_MS = 15 * 60_000;

/**
 * The program of the GCS server, built by Go when it is not there: a minute and a half on two cores, once. Without Go its tests
 * are skipped, and say so.
 * @returns {Promise<string | undefined>}
 */
export async function ensureGcsServer() {
  const given = process.env.FURROW_TEST_GCS;
  if (given) return given;
  const to = join(cacheRoot(), 'test-servers', `fake-gcs-server-${GCS_VERSION}`);
  const install = (/** @type {Step} */ step) =>
    goInstall(`github.com/fsouza/fake-gcs-server@v${GCS_VERSION}`, to, step);
  return (await ensure(to, { name: 'GCS server', from: 'go install', complete: to, install })) ? to : undefined;
}

/**
 * The official `dvc` with its client for Cloud Storage. Without Python 3 its tests are skipped, and say so.
 * @returns {Promise<string | undefined>}
 */
export async function ensureDvc() {
  const packages = [`dvc==${DVC_VERSION}`, `dvc-gs==${DVC_GS_VERSION}`];
  return process.env.FURROW_TEST_DVC || ensurePython({ name: 'DVC', program: 'dvc', version: DVC_VERSION, packages });
}

/**
 * The official Python client of W&B. Without Python 3 its tests are skipped, and say so.
 * @returns {Promise<string | undefined>}
 */
export async function ensureWandb() {
  const packages = [`wandb==${WANDB_VERSION}`];
  const given = process.env.FURROW_TEST_WANDB;
  return given || ensurePython({ name: 'W&B client', program: 'wandb', version: WANDB_VERSION, packages });
}

/**
 * A program from PyPI, in a Python environment of its own.
 * @param {{ name: string, program: string, version: string, packages: readonly string[] }} what
 * @returns {Promise<string | undefined>}
 */
async function ensurePython({ name, program, version, packages }) {
  const folder = join(cacheRoot(), 'test-servers', `${program}-${version}`);
  const [programs, suffix] = process.platform === 'win32' ? ['Scripts', '.exe'] : ['bin', ''];
  const complete = join(folder, 'complete');
  const install = async (/** @type {Step} */ step) => {
    await rm(folder, { recursive: true, force: true });
    step.update('making a Python environment');
    await runCommand('python3', ['-m', 'venv', folder], { timeoutMs: PIP_MS });
    step.update('installing its Python packages');
    const python = join(folder, programs, 'python');
    await runCommand(python, ['-m', 'pip', 'install', '--quiet', ...packages], { timeoutMs: PIP_MS });
    // Written last: an environment cannot be moved into place, as its programs hold its path.
    await writeFile(complete, '');
  };
  const isThere = await ensure(folder, { name, from: 'PyPI', complete, install });
  return isThere ? join(folder, programs, `${program}${suffix}`) : undefined;
}

/** @typedef {ReturnType<typeof startStep>} Step */

/**
 * Installs what is not there, one process at a time.
 * @param {string} place
 * @param {{ name: string, from: string, complete: string, install: (step: Step) => Promise<unknown> }} what `complete` is there
 *   when it is all there
 * @returns {Promise<boolean>} whether it is there now
 */
async function ensure(place, { name, from, complete, install }) {
  if (existsSync(complete)) return true;
  const step = startStep(`${name} for the tests`);
  try {
    await mkdir(dirname(place), { recursive: true });
    await withLock(`${place}.lock`, async () => {
      if (!existsSync(complete)) await install(step);
    });
    step.done(`${name} for the tests is in place, from ${from}`);
    return true;
  } catch (error) {
    step.done(`No ${name}: its tests are skipped (${reason(error)})`);
    return false;
  }
}

// `npm run bench:fetch` needs them, too.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await ensureGcsServer();
  await ensureDvc();
}
