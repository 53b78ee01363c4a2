// @ts-check
// The npm packages, exactly as package-lock.json says, without running any package's own scripts.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readJson } from './cache.mjs';
import { runCommand } from './command.mjs';
import { reason, SetupFailure } from './failure.mjs';
import { startStep } from './progress.mjs';

const STAMP = '.furrow-packages';
/** About 500 packages over a slow line. */
const INSTALL_MS = 15 * 60_000;
/** No package's own scripts: none is needed but TensorFlow's, and that one has a step of its own (tensorflow.mjs). */
const ARGS = ['ci', '--ignore-scripts', '--loglevel=error', '--no-fund', '--no-audit', '--no-progress'];

/**
 * @param {string} root
 * @returns {boolean} whether node_modules is what package-lock.json says
 */
export function packagesReady(root) {
  const stamp = join(root, 'node_modules', STAMP);
  const digest = lockDigest(root);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return true;
  // Someone ran npm by hand: its own record of what it installed says whether that will do.
  if (!installedAsLocked(root)) return false;
  writeFileSync(stamp, digest);
  return true;
}

/**
 * Runs `npm ci`, a second time when it fails.
 * @param {string} root
 */
export async function installPackages(root) {
  const step = startStep('npm packages');
  const { program, args, shell } = npm();
  const run = () => runCommand(program, [...args, ...ARGS], { cwd: root, timeoutMs: INSTALL_MS, shell });
  try {
    await run().catch((error) => {
      step.note(`npm packages: the first try failed, trying again: ${reason(error)}`);
      return run();
    });
    writeFileSync(join(root, 'node_modules', STAMP), lockDigest(root));
    step.done('npm packages are in place');
  } catch (cause) {
    step.done();
    throw new SetupFailure({
      what: 'The npm packages cannot be installed',
      why: reason(cause),
      todo: [
        'check that the npm registry is reached: `npm ping` (a proxy: `npm config set https-proxy`; another registry: `npm config set registry`)',
        'if npm says that package.json and package-lock.json disagree, run `npm install --ignore-scripts` and commit the lock',
        'then run `npm run setup` again',
      ],
      cause,
    });
  }
}

/** @param {string} root */
function lockDigest(root) {
  const lock = readFileSync(join(root, 'package-lock.json'));
  return createHash('sha256').update(`${process.platform} ${process.arch}\n`).update(lock).digest('hex');
}

/**
 * Compares npm's record in node_modules with the lock. Optional packages may be absent: those of other platforms are.
 * @param {string} root
 */
function installedAsLocked(root) {
  const locked = readJson(join(root, 'package-lock.json'))?.packages;
  const installed = readJson(join(root, 'node_modules', '.package-lock.json'))?.packages;
  if (!locked || !installed) return false;
  const same = (/** @type {string} */ path) => {
    const [want, have] = [locked[path], installed[path]];
    if (!have) return want.optional === true || want.devOptional === true;
    return have.version === want.version && have.integrity === want.integrity && existsSync(join(root, path, 'package.json'));
  };
  const wanted = Object.keys(locked).filter((path) => path !== '');
  return wanted.every(same) && Object.keys(installed).every((path) => path in locked);
}

/**
 * npm as the script it is: `npm.cmd` on Windows cannot be started without a shell.
 * @returns {{ program: string, args: string[], shell?: boolean }}
 */
function npm() {
  const bin = dirname(process.execPath);
  const candidates = [
    process.env.npm_execpath ?? '',
    join(bin, 'node_modules', 'npm', 'bin', 'npm-cli.js'),
    join(bin, '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js'),
  ];
  const script = candidates.find((path) => path.endsWith('npm-cli.js') && existsSync(path));
  return script ? { program: process.execPath, args: [script] } : { program: 'npm', args: [], shell: process.platform === 'win32' };
}
