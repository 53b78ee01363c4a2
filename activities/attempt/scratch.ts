import { mkdtemp, readdir, rm, rmdir } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAlive } from '../../lib/home/home.ts';

/** Ours in a folder that others use, too: the host counts where containers share it. */
const prefix = `furrow-${hostname().replace(/[^A-Za-z0-9]/g, '')}-`;

/** An attempt's folder, named by the process that will remove it. */
export function makeScratch(): Promise<string> {
  return mkdtemp(join(tmpdir(), `${prefix}${process.pid}-`));
}

/** Most stages leave their folder empty. */
export async function removeScratch(folder: string): Promise<void> {
  await rmdir(folder).catch(() => rm(folder, { recursive: true, force: true }));
}

/** Removes what killed workers of this host left behind: their copies of features may be gigabytes, and under an NDA. */
export async function sweepScratch(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = name.startsWith(prefix) ? Number.parseInt(name.slice(prefix.length), 10) : Number.NaN;
    // What cannot be removed is somebody else's.
    if (pid > 0 && !isAlive(pid)) await rm(join(tmpdir(), name), { recursive: true, force: true }).catch(() => {});
  }
}
