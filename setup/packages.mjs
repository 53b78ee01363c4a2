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
const QUIET = [
  '--ignore-scripts',
  '--loglevel=error',
  '--no-fund',
  '--no-audit',
  '--no-progress',
  '--no-update-notifier',
];

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
  const run = (/** @type {string[]} */ how) =>
    runCommand(program, [...args, ...how, ...QUIET], { cwd: root, timeoutMs: INSTALL_MS, shell });
  try {
    await run(['ci']).catch((error) => {
      const { message } = error;
      if (lacksOnlyForeign(message, root)) {
        step.note(
          'npm packages: package-lock.json lacks optional packages of other platforms, which `npm ci` refuses; installing the rest as locked',
        );
        return run(['install', '--no-save']);
      }
      if (message.includes('code EUSAGE')) throw error;
      step.note(`npm packages: the first try failed, trying again: ${message.slice(0, 300)}`);
      return run(['ci']);
    });
    writeFileSync(join(root, 'node_modules', STAMP), lockDigest(root));
    step.done('npm packages are in place');
  } catch (cause) {
    step.done();
    throw new SetupFailure({
      what: 'The npm packages cannot be installed',
      why: withoutUsage(reason(cause)),
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
    return (
      have.version === want.version && have.integrity === want.integrity && existsSync(join(root, path, 'package.json'))
    );
  };
  const wanted = Object.keys(locked).filter((path) => path !== '');
  return wanted.every(same) && Object.keys(installed).every((path) => path in locked);
}

/**
 * Whether all that `npm ci` misses in the lock is optional: a registry that does not have every platform's package yet
 * makes `npm install` write such a lock (npm/cli#4828), and on the platforms that it does cover it is complete.
 * @param {string} message
 * @param {string} root
 */
function lacksOnlyForeign(message, root) {
  const missing = [...message.matchAll(/^npm error Missing: (@?[^@\s]+)@/gm)].map(([, name]) => name ?? '');
  if (missing.length === 0 || message.includes('npm error Invalid:')) return false;
  const locked = Object.values(readJson(join(root, 'package-lock.json'))?.packages ?? {});
  return missing.every((name) => locked.some((each) => name in (each.optionalDependencies ?? {})));
}

/**
 * npm ends its message about a lock with two pages on how it is called.
 * @param {string} message
 */
function withoutUsage(message) {
  return message.replace(/\nnpm error\s*\nnpm error Clean install a project[\s\S]*/, '');
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
  return script
    ? { program: process.execPath, args: [script] }
    : { program: 'npm', args: [], shell: process.platform === 'win32' };
}
