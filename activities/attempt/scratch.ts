import { readlinkSync } from 'node:fs';
import { mkdtemp, readdir, rm, rmdir } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAlive } from '../../lib/home/home.ts';

/**
 * Ours in a folder that others use, too. Where containers share it, a process id of one says nothing in another: the host and, on
 * Linux, the namespace of process ids tell them apart.
 */
export const scratchPrefix = `furrow-${hostname().replace(/[^A-Za-z0-9]/g, '')}-${pidNamespace()}-`;

/** An attempt's folder, named by the process that will remove it. */
export function makeScratch(): Promise<string> {
  return mkdtemp(join(tmpdir(), `${scratchPrefix}${process.pid}-`));
}

/** Most stages leave their folder empty. */
export async function removeScratch(folder: string): Promise<void> {
  await rmdir(folder).catch(() => rm(folder, { recursive: true, force: true }));
}

/** Removes what killed workers of this host left behind: their copies of features may be gigabytes, and under an NDA. */
export async function sweepScratch(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = name.startsWith(scratchPrefix) ? Number.parseInt(name.slice(scratchPrefix.length), 10) : Number.NaN;
    // What cannot be removed is somebody else's.
    if (pid > 0 && !isAlive(pid)) await rm(join(tmpdir(), name), { recursive: true, force: true }).catch(() => {});
  }
}

function pidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid').replace(/\D/g, '');
  } catch {
    return '0';
  }
}
