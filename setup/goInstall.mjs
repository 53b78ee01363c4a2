// @ts-check
// A program built from source by Go, which checks it against sum.golang.org.
import { rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { asideOf } from './cache.mjs';
import { runCommand } from './command.mjs';

/** 2 to 5 minutes on two cores for the largest; far more on a small shared machine. */
const BUILD_MS = 30 * 60_000;

/**
 * @param {string} module  with its version: `github.com/owner/name/cmd/program@v1.2.3`
 * @param {string} to  where the program goes, whole or not at all
 * @param {import('./progress.mjs').Step} step
 * @param {{ flags?: string[] }} [options]
 */
export async function goInstall(module, to, step, { flags = [] } = {}) {
  const env = { ...process.env, GOBIN: asideOf(to) };
  step.update('downloading its Go modules');
  let compiled = 0;
  try {
    await runCommand('go', ['install', '-v', ...flags, module], {
      env,
      timeoutMs: BUILD_MS,
      onLine: (line) => {
        if (line.startsWith('go: downloading')) return step.update(line.slice('go: '.length, 80));
        compiled++;
        step.update(`compiling, ${compiled} Go packages done`);
      },
    });
    const program = basename(/** @type {string} */ (module.split('@')[0]));
    await rename(join(env.GOBIN, process.platform === 'win32' ? `${program}.exe` : program), to);
  } finally {
    await rm(env.GOBIN, { recursive: true, force: true });
  }
}

/** @returns {Promise<string>} `1.26.8` */
export async function goVersion() {
  const said = await runCommand('go', ['version'], { timeoutMs: 30_000 }).catch((cause) => {
    throw new Error('there is no Go here', { cause });
  });
  return /go(\d+\.\d+(?:\.\d+)?)/.exec(said)?.[1] ?? '0';
}
