// @ts-check
// The steps of the set-up, in order.
import { join, resolve } from 'node:path';
import { build, buildReady } from './build.mjs';
import { reason, SetupFailure } from './failure.mjs';
import { withLock } from './lock.mjs';
import { installPackages, packagesReady } from './packages.mjs';
import { startStep } from './progress.mjs';
import { ensureTemporal } from './temporal-cli.mjs';
import { ensureTensorflow, tensorflowReady } from './tensorflow.mjs';

const root = resolve(import.meta.dirname, '..');

/** Everything that lies in the checkout, done by one set-up at a time. */
async function setUpCheckout() {
  if (!packagesReady(root)) await installPackages(root);
  await ensureTensorflow(root);
  if (!buildReady(root)) await build(root);
}

/** Installs what is missing, and touches nothing, least of all the network, when all is in place. */
export async function setUp() {
  try {
    if (!(packagesReady(root) && tensorflowReady(root) && buildReady(root))) {
      const step = startStep('waiting for another set-up in this checkout');
      // Beside node_modules, not in it: `npm ci` empties that folder.
      const work = () => {
        step.done();
        return setUpCheckout();
      };
      await withLock(join(root, '.furrow', 'setup.lock'), work);
    }
    await ensureTemporal();
  } catch (error) {
    process.stderr.write(asFailure(error).report());
    process.exitCode = 1;
  }
}

/** @param {unknown} error */
function asFailure(error) {
  if (error instanceof SetupFailure) return error;
  const todo = 'run `npm run setup` again; if it fails again, report these lines';
  return new SetupFailure({ what: 'The set-up failed', why: reason(error), todo, cause: error });
}
