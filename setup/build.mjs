// @ts-check
// Builds dist/ when a source is newer than what is there.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from './command.mjs';
import { reason, SetupFailure } from './failure.mjs';
import { startStep } from './progress.mjs';

const SCRIPT = join('scripts', 'build.mjs');
const STAMP = join('dist', '.furrow-build');
/** What a build reads: `setup` too, parts of which are bundled, and whose pins enter the fingerprints. */
const SOURCES = [
  'contract',
  'workflows',
  'activities',
  'lib',
  'serving',
  'worker',
  'client',
  'bench',
  'bin',
  'setup',
  'scripts',
];
const BUILD_MS = 10 * 60_000;

/**
 * @param {string} root
 * @returns {boolean} whether dist/ was built from the sources as they are
 */
export function buildReady(root) {
  if (!existsSync(join(root, SCRIPT))) return true;
  const stamp = join(root, STAMP);
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === sourcesDigest(root);
}

/** @param {string} root */
export async function build(root) {
  const step = startStep('build');
  // Taken before: a file saved during the build makes the next set-up build again.
  const digest = sourcesDigest(root);
  try {
    await runCommand(process.execPath, [SCRIPT], { cwd: root, timeoutMs: BUILD_MS });
    writeFileSync(join(root, STAMP), digest);
    step.done('built');
  } catch (cause) {
    step.done();
    throw new SetupFailure({
      what: 'The build failed',
      why: reason(cause),
      todo: ['mend what it names', 'run `npm run build` to see it alone'],
      cause,
    });
  }
}

/**
 * Names, sizes and times, not content: a few milliseconds, and git changes the time of what it changes.
 * @param {string} root
 */
function sourcesDigest(root) {
  const hash = createHash('sha256');
  const json = readdirSync(root).filter((name) => name.endsWith('.json'));
  for (const path of [...SOURCES, ...json].sort()) addTo(hash, root, path);
  return hash.digest('hex');
}

/**
 * @param {import('node:crypto').Hash} hash
 * @param {string} root
 * @param {string} path
 */
function addTo(hash, root, path) {
  const found = statSync(join(root, path), { throwIfNoEntry: false });
  if (found?.isDirectory()) {
    for (const name of readdirSync(join(root, path)).sort()) addTo(hash, root, `${path}/${name}`);
  } else if (found) {
    hash.update(`${path}\0${found.size}\0${found.mtimeMs}\n`);
  }
}
