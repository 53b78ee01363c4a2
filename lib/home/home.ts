import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** The folder where an installation keeps its own: the embedded server's database, logs, what is up. */
export function homeFolder(env: NodeJS.ProcessEnv = process.env): string {
  return resolve(env.FURROW_HOME ?? '.furrow');
}

export const homeFiles = {
  database: 'temporal.db',
  state: 'up.json',
  serverLog: 'logs/temporal.log',
  workerLog: 'logs/worker.log',
  supervisorLog: 'logs/up.log',
} as const;

export function homeFile(home: string, file: keyof typeof homeFiles): string {
  return join(home, homeFiles[file]);
}

/** What `furrow up` runs, for those who look for it. */
export interface UpState {
  readonly pid: number;
  /** `starting` until the server answers and the worker polls. */
  readonly phase: 'starting' | 'ready';
  readonly address: string;
  readonly namespace: string;
  /** The Temporal web UI. */
  readonly ui: string;
  readonly serverPid: number;
  readonly workerPid?: number;
  readonly startedAt: string;
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
  rmSync(homeFile(home, 'state'), { force: true });
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Another user's process is alive, too.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
