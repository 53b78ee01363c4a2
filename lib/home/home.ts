import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readStat } from '../process/stat.ts';

/** The folder where an installation keeps its own: the embedded server's database, logs, what is up. */
export function homeFolder(env: NodeJS.ProcessEnv = process.env): string {
  return resolve(env.FURROW_HOME ?? '.furrow');
}

export const homeFiles = {
  database: 'temporal.db',
  state: 'up.json',
  stop: 'stop',
  supervisorLock: 'up.claim.lock',
  bringUpLock: 'up.lock',
  serverLog: 'logs/temporal.log',
  workerLog: 'logs/worker.log',
  supervisorLog: 'logs/up.log',
} as const;

export function homeFile(home: string, file: keyof typeof homeFiles): string {
  return join(home, homeFiles[file]);
}

/** What `furrow up` runs, for those who look for it: `starting` until the server answers and the worker polls. */
export type UpState = StartingState | ReadyState;

interface Processes {
  readonly pid: number;
  readonly serverPid?: number;
  readonly workerPid?: number;
  readonly startedAt: string;
}

export interface StartingState extends Processes {
  readonly phase: 'starting';
}

export interface ReadyState extends Processes {
  readonly phase: 'ready';
  readonly address: string;
  readonly namespace: string;
  /** The Temporal web UI. */
  readonly ui: string;
}

/** What is up for `home`; undefined when nothing is, or what was has died without a word. */
export function readUpState(home: string): UpState | undefined {
  try {
    const state = JSON.parse(readFileSync(homeFile(home, 'state'), 'utf8')) as UpState;
    return isAlive(state.pid) ? state : undefined;
  } catch {
    return undefined;
  }
}

export function writeUpState(home: string, state: UpState): void {
  mkdirSync(home, { recursive: true });
  const file = homeFile(home, 'state');
  const aside = `${file}.${process.pid}`;
  writeFileSync(aside, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
  renameSync(aside, file);
}

export function removeUpState(home: string): void {
  for (const file of ['state', 'stop'] as const) rmSync(homeFile(home, file), { force: true });
}

/** Asks the supervisor `pid` to drain and end. A file, as Windows has no signal that a process could answer. */
export function requestStop(home: string, pid: number): void {
  // Left behind, it would stop whoever gets that number next.
  if (isAlive(pid)) writeFileSync(homeFile(home, 'stop'), String(pid), { mode: 0o600 });
}

/** By its number: what an earlier one was asked is not meant for this one. */
export function isStopRequested(home: string, pid: number): boolean {
  try {
    return readFileSync(homeFile(home, 'stop'), 'utf8') === String(pid);
  } catch {
    return false;
  }
}

/** Whether somebody runs under that number. What has ended and was not reaped does not, though it can be signalled. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // Another user's process is alive, too.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return readStat(pid)?.state !== 'Z';
}
