// @ts-check
// Servers that only tests need, in the per-user cache: a stand-in for Cloud Storage that speaks its protocol.
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { cacheRoot } from './cache.mjs';
import { reason } from './failure.mjs';
import { goInstall } from './goInstall.mjs';
import { withLock } from './lock.mjs';
import { startStep } from './progress.mjs';

const GCS_VERSION = '1.56.1';

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
