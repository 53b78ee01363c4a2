// @ts-check
// What only tests need, in the per-user cache: a server that speaks the protocol of Cloud Storage, and the official `dvc`.
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { cacheRoot } from './cache.mjs';
import { runCommand } from './command.mjs';
import { reason } from './failure.mjs';
import { goInstall } from './goInstall.mjs';
import { withLock } from './lock.mjs';
import { startStep } from './progress.mjs';

const GCS_VERSION = '1.56.1';
const DVC_VERSION = '3.67.1';
const DVC_GS_VERSION = '3.1.0';
/** Some 60 packages. */
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
  if (existsSync(to)) return to;
  const step = startStep('GCS server for the tests');
  try {
    await mkdir(dirname(to), { recursive: true });
    await withLock(`${to}.lock`, async () => {
      if (!existsSync(to)) await goInstall(`github.com/fsouza/fake-gcs-server@v${GCS_VERSION}`, to, step);
    });
    step.done('GCS server for the tests is in place, from go install');
    return to;
  } catch (error) {
    step.done(`No GCS server: tests of gs:// are skipped (${reason(error)})`);
    return undefined;
  }
}

/**
 * The official `dvc` with its client for Cloud Storage, in a Python environment of its own. Without Python 3 its tests are
 * skipped, and say so.
 * @returns {Promise<string | undefined>}
 */
export async function ensureDvc() {
  const given = process.env.FURROW_TEST_DVC;
  if (given) return given;
  const folder = join(cacheRoot(), 'test-servers', `dvc-${DVC_VERSION}`);
  const program = join(folder, process.platform === 'win32' ? 'Scripts/dvc.exe' : 'bin/dvc');
  const complete = join(folder, 'complete');
  if (existsSync(complete)) return program;
  const step = startStep('DVC for the tests');
  try {
    await mkdir(dirname(folder), { recursive: true });
    await withLock(`${folder}.lock`, async () => {
      if (existsSync(complete)) return;
      await rm(folder, { recursive: true, force: true });
      step.update('making a Python environment');
      await runCommand('python3', ['-m', 'venv', folder], { timeoutMs: PIP_MS });
      step.update('installing its Python packages');
      const packages = [`dvc==${DVC_VERSION}`, `dvc-gs==${DVC_GS_VERSION}`];
      const python = join(dirname(program), 'python');
      await runCommand(python, ['-m', 'pip', 'install', '--quiet', ...packages], { timeoutMs: PIP_MS });
      // Written last: an environment cannot be moved into place, as its programs hold its path.
      await writeFile(complete, '');
    });
    step.done('DVC for the tests is in place, from PyPI');
    return program;
  } catch (error) {
    step.done(`No DVC: its tests are skipped (${reason(error)})`);
    return undefined;
  }
}
