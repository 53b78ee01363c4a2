import { fork } from 'node:child_process';
import { mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FurrowError } from '../contract/errors.ts';
import { entryPoint } from '../lib/code/root.ts';
import { findTemporalTarget } from '../lib/connection/connection.ts';
import { homeFile, homeFolder, isAlive, type UpState } from '../lib/home/home.ts';
import { endLeftovers, runningState } from './leftovers.ts';
import type { Output } from './output.ts';

/** Milliseconds; on a busy machine the server takes longer than the two seconds it usually does. */
const readyLimit = 90_000;

export interface BroughtUp {
  readonly state: UpState;
  /** Absent when it was up already: another command's, not ours to end. */
  readonly own?: {
    /** Asks the supervisor to drain and end. */
    stop(): void;
    /** With its exit code; other than 0 when Temporal ended by itself. */
    readonly ended: Promise<number | null>;
  };
}

/** What is up here once its worker polls; the supervisor is started in the background when there is none. */
export async function bringUp(output: Output): Promise<BroughtUp> {
  const home = homeFolder();
  const running = await readyState(home);
  if (running) return { state: running };
  const release = await takeLock(home);
  try {
    // Whoever held the lock before has brought it up.
    const state = await readyState(home);
    if (state) return { state };
    const ended = await endLeftovers(home);
    if (ended.length > 0) output.say(`Ended what an earlier furrow left running: ${ended.join(' and ')}`);
    return await startSupervisor(home);
  } finally {
    release();
  }
}

/** Sees to it that there is a Temporal, saying so. Nothing to do where the environment or a profile names one. */
export async function ensureUp(output: Output): Promise<void> {
  const target = await findTemporalTarget(homeFolder());
  if (target && target.from !== 'furrow up') return;
  if (runningState(homeFolder())?.phase === 'ready') return;
  output.say('Nothing is up here: starting Temporal and a worker (`furrow down` ends them)');
  const { state } = await bringUp(output);
  output.say(upLine(state, 'is up'));
}

export function upLine(state: UpState, what: string): string {
  return `furrow ${what}: Temporal at ${state.address}, its UI at ${state.ui}`;
}

/** Waits for one that is starting. */
async function readyState(home: string): Promise<UpState | undefined> {
  for (const deadline = Date.now() + readyLimit; ; await sleep(100)) {
    const state = runningState(home);
    if (!state || state.phase === 'ready') return state;
    if (Date.now() > deadline) throw notUp(home);
  }
}

async function startSupervisor(home: string): Promise<BroughtUp> {
  const log = homeFile(home, 'supervisorLog');
  mkdirSync(dirname(log), { recursive: true });
  const file = openSync(log, 'w', 0o600);
  // A session of its own: it outlives this terminal, and Ctrl-C reaches it only through us.
  const child = fork(entryPoint('worker/up.ts'), [], { stdio: ['ignore', file, file, 'ipc'], detached: true });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  await new Promise<void>((resolve, reject) => {
    const late = setTimeout(() => reject(notUp(home)), readyLimit);
    child.once('message', () => {
      clearTimeout(late);
      resolve();
    });
    child.once('exit', () => {
      clearTimeout(late);
      const said = readFileSync(log, 'utf8').trim();
      reject(new FurrowError('SERVER_UNREACHABLE', said || 'The supervisor ended without a word'));
    });
  });
  const state = runningState(home);
  if (!state) throw notUp(home);
  child.disconnect();
  return { state, own: { stop: () => process.kill(state.pid, 'SIGTERM'), ended } };
}

function notUp(home: string): FurrowError {
  const log = homeFile(home, 'supervisorLog');
  return new FurrowError('SERVER_UNREACHABLE', `Not up after ${readyLimit / 1000} s; see ${log} and \`furrow logs\``);
}

/** One at a time brings up: two servers on one database would damage it. */
async function takeLock(home: string): Promise<() => void> {
  const file = join(home, 'up.lock');
  mkdirSync(home, { recursive: true });
  for (const deadline = Date.now() + readyLimit; ; await sleep(100)) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' });
      return () => rmSync(file, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    if (!isHeld(file)) rmSync(file, { force: true });
    else if (Date.now() > deadline) throw notUp(home);
  }
}

function isHeld(file: string): boolean {
  try {
    const pid = Number(readFileSync(file, 'utf8'));
    // Not written yet: its maker is between two calls.
    return pid === 0 || isAlive(pid);
  } catch {
    return true;
  }
}
