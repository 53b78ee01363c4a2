// @ts-check
// TensorFlow for this checkout: from the cache, from the TensorFlow.js team, or from the PyPI wheel.
import { join } from 'node:path';
import { cacheRoot } from './cache.mjs';
import { reason, SetupFailure } from './failure.mjs';
import { withLock } from './lock.mjs';
import { startStep } from './progress.mjs';
import {
  findIntact,
  linkInto,
  packageFolder,
  readManifest,
  tensorflowCache,
  tfjsVersion,
} from './tensorflow-layout.mjs';
import { installOfficially, OFFICIAL, officialUnfit } from './tensorflow-official.mjs';
import { buildFromWheel, WHEEL, wheelUnfit } from './tensorflow-wheel.mjs';

/** `package` or `wheel` in FURROW_LIBTENSORFLOW allows only that way; unset, the first that works. */
const WAYS = { package: OFFICIAL, wheel: WHEEL };

/**
 * @param {string} root
 * @returns {boolean} whether the package in node_modules has its native parts; reads a small file and sizes only
 */
export function tensorflowReady(root) {
  const manifest = readManifest(packageFolder(root));
  return manifest?.tfjs === tfjsVersion(root) && allowed().some(({ sha256 }) => sha256 === manifest?.originSha256);
}

/**
 * Puts libtensorflow and the addon into node_modules.
 * @param {string} root
 */
export async function ensureTensorflow(root) {
  if (tensorflowReady(root)) return;
  const tfjs = tfjsVersion(root);
  const step = startStep('TensorFlow');
  step.update('checking what is in the cache');
  const cached = await findIntact(tfjs, allowed());
  if (cached) {
    step.done();
    return linkInto(root, cached);
  }

  const lock = join(tensorflowCache(), '.lock');
  const onWait = () => step.update('waiting for another set-up that is installing it');
  try {
    await withLock(
      lock,
      async () => {
        // Another set-up may have finished it while this one waited.
        const entry = (await findIntact(tfjs, allowed())) ?? (await obtain({ root, tfjs, step }));
        linkInto(root, entry);
      },
      { onWait },
    );
    const manifest = readManifest(packageFolder(root));
    step.done(`TensorFlow ${manifest?.libtensorflow} is in place, from ${manifest?.origin}`);
  } catch (error) {
    step.done();
    throw error;
  }
}

/**
 * @param {{ root: string, tfjs: string, step: import('./progress.mjs').Step }} at
 * @returns {Promise<string>} the cache entry to link
 */
async function obtain({ root, tfjs, step }) {
  const asked = process.env.FURROW_LIBTENSORFLOW;
  /** @type {string[]} */
  const reasons = [];
  const ways = [
    { name: 'package', label: 'the libtensorflow of tfjs-node', unfit: officialUnfit, run: installOfficially },
    { name: 'wheel', label: 'the PyPI wheel', unfit: wheelUnfit, run: buildFromWheel },
  ].filter((way) => !asked || way.name === asked);
  for (const way of ways) {
    try {
      step.update(`trying ${way.label}`);
      const unfit = await way.unfit();
      if (!unfit) return await way.run({ root, tfjs, step });
      reasons.push(`${way.label}: ${unfit}`);
    } catch (error) {
      if (error instanceof SetupFailure) throw error;
      reasons.push(`${way.label}: ${reason(error)}`);
    }
  }
  throw new SetupFailure({
    what: 'TensorFlow cannot be installed',
    why: reasons.join('\n       '),
    todo: [
      'check that this machine reaches storage.googleapis.com or pypi.org (HTTPS_PROXY, NODE_EXTRA_CA_CERTS and PIP_INDEX_URL are honoured)',
      `or put ${WHEEL.file} into ${join(cacheRoot(), 'downloads')} and run \`npm run setup\` again (Linux x64)`,
      `or copy ${tensorflowCache()} from a machine of the same kind where the set-up has worked`,
    ],
  });
}

/**
 * What libtensorflow may be taken from, best first.
 * @returns {import('./tensorflow-layout.mjs').Pin[]}
 */
function allowed() {
  const asked = process.env.FURROW_LIBTENSORFLOW;
  const ways = Object.entries(WAYS).filter(([name]) => !asked || name === asked);
  if (ways.length > 0) return ways.flatMap(([, pin]) => pin ?? []);
  throw new SetupFailure({
    what: 'FURROW_LIBTENSORFLOW is not understood',
    why: `it is "${asked}"`,
    todo: 'set it to "package" or "wheel", or unset it',
  });
}
