/** What tests that start a real server have in common. */
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const pollMs = 50;

/** A program that a variable names, else one in the per-user cache, else one on the PATH. */
export function findProgram(variable: string, inCache: string, onPath?: string): string | undefined {
  const { XDG_CACHE_HOME, PATH = '' } = process.env;
  const cache = join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'furrow');
  const places = onPath === undefined ? [] : PATH.split(delimiter).map((folder) => join(folder, onPath));
  return [process.env[variable], join(cache, inCache), ...places].find((path) => path && existsSync(path));
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}

/**
 * Waits until a server that was started answers.
 *
 * @returns ends it by a signal, and waits until it has ended
 * @throws Error when it ends first, or does not answer for `seconds`
 */
export async function answering(
  child: ChildProcess,
  { url, seconds }: { readonly url: string; readonly seconds: number },
): Promise<(signal?: NodeJS.Signals) => Promise<void>> {
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
  const deadline = Date.now() + seconds * 1000;
  while (!(await fetch(url).catch(() => undefined))?.ok) {
    if (Date.now() > deadline || child.exitCode !== null) throw new Error(`${child.spawnfile} does not answer`);
    await sleep(pollMs);
  }
  return async (signal) => {
    child.kill(signal);
    await ended;
  };
}
