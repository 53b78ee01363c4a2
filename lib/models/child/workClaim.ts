/** One training of a key at a time on a machine: a successor waits for the process before it, and ends it when it is an orphan. */
import { link, mkdir, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Digest } from '../../../contract/artifact.ts';
import { isAlive, isOrphan, type ProcessMark, processMark } from './processMark.ts';

/** An orphan notices by itself within a step that its parent is gone. */
const orphanGraceMs = 5_000;
/** A parent that was told to stop ends its child within 8 s; a heartbeat that finds the attempt lost may come 12 s late. */
const waitMs = 25_000;
const pollMs = 100;
/** Between two words about waiting: a parent takes silence for a stall. */
const tellMs = 1000;
/** Tries at a folder that is not there, however often it is made. */
const mostAbsent = 20;

const claimFile = 'claim.json';

const nobody: ProcessMark = { pid: -1, started: '-', parent: -1 };

/**
 * Where a key's claim lies: the same for every worker of this user on this machine. A container's user may be a number without an
 * entry in passwd, so nothing is looked up there.
 */
export function workFolder(key: Digest): string {
  return join(workRoot(), key.replace('sha256:', '').slice(0, 32));
}

function workRoot(): string {
  return join(tmpdir(), `furrow-${process.getuid?.() ?? 'user'}`, 'work');
}

export interface ClaimOptions {
  /** Called now and then while there is somebody to wait for. */
  onWait?(pid: number): void;
  /** Ends the wait; the claim is then not taken. */
  stopRequested?(): boolean;
  readonly orphanGraceMs?: number;
  readonly waitMs?: number;
}

/**
 * Claims `folder` for this process. A claim of a process that is gone is taken over. One that lives is waited for; when its
 * parent is gone it is killed after a grace; when it has a parent that still keeps it after {@link waitMs}, it is another
 * worker's rightful attempt, and this process goes on beside it: racing workers do no harm.
 *
 * @returns gives the claim back
 */
export async function claimWork(folder: string, options: ClaimOptions = {}): Promise<() => Promise<void>> {
  const file = join(folder, claimFile);
  const own = processMark(process.pid);
  const since = performance.now();
  let told = Number.NEGATIVE_INFINITY;
  let absent = 0;
  for (;;) {
    const outcome = await create(file, own);
    if (outcome === 'created') break;
    // Once or twice somebody may be giving the folder back; a folder that cannot be made is another matter.
    if (outcome !== 'taken' && ++absent > mostAbsent) throw outcome;
    const holder = await readMark(file);
    if (holder && !isAlive(holder)) await setAside(file, holder);
    else if (holder) {
      if (performance.now() - told > tellMs) {
        options.onWait?.(holder.pid);
        told = performance.now();
      }
      const waited = performance.now() - since;
      if (waited > (options.orphanGraceMs ?? orphanGraceMs) && isOrphan(holder)) process.kill(holder.pid, 'SIGKILL');
      else if (waited > (options.waitMs ?? waitMs) || options.stopRequested?.()) return async () => {};
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  return async () => {
    await rm(file, { force: true });
    // Somebody who waits may be writing there.
    await rmdir(folder).catch(() => {});
  };
}

/**
 * Takes away what a training that was killed has left of its claim. A successor on this machine would take it over, but the next
 * attempt may go to another one.
 */
export async function dropDeadClaim(folder: string): Promise<void> {
  const file = join(folder, claimFile);
  const holder = await readMark(file);
  if (holder && !isAlive(holder)) await setAside(file, holder);
  for (const name of await readdir(folder).catch(() => [])) {
    const [, pid] = /^claim\.json\.(\d+)(?:\.new)?$/.exec(name) ?? [];
    if (pid !== undefined && !isAlive(processMark(Number(pid)))) await rm(join(folder, name), { force: true });
  }
  await rmdir(folder).catch(() => {});
}

/** As {@link dropDeadClaim} for every key, at a worker's start: the one before it may have been killed with its training. */
export async function sweepClaims(): Promise<void> {
  for (const name of await readdir(workRoot()).catch(() => [])) await dropDeadClaim(join(workRoot(), name));
}

/** Written aside and linked, so that the claim is there whole or not at all. */
async function create(file: string, mark: ProcessMark): Promise<'created' | 'taken' | Error> {
  const aside = `${file}.${mark.pid}.new`;
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(aside, JSON.stringify(mark));
    await link(aside, file);
    return 'created';
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return 'taken';
    if (code === 'ENOENT') return error as Error;
    throw error;
  } finally {
    await rm(aside, { force: true });
  }
}

/** Undefined when it was just removed; a mark of nobody when it cannot be read. */
async function readMark(file: string): Promise<ProcessMark | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch {
    return undefined;
  }
  try {
    const mark = JSON.parse(text) as ProcessMark;
    if (Number.isInteger(mark.pid)) return mark;
  } catch {
    // not written by this program, or damaged
  }
  return nobody;
}

/** Moved first and looked at then: between two successors, the slower one must not remove the faster one's claim. */
async function setAside(file: string, dead: ProcessMark): Promise<void> {
  const aside = `${file}.${process.pid}`;
  try {
    await rename(file, aside);
  } catch {
    return;
  }
  const moved = await readMark(aside);
  if (moved && (moved.pid !== dead.pid || moved.started !== dead.started) && isAlive(moved)) await rename(aside, file);
  else await rm(aside, { force: true });
}
