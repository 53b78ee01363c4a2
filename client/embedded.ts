import { type ChildProcess, fork } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FurrowError, isFailureCode } from '../contract/errors.ts';
import { entryPoint } from '../lib/code/root.ts';
import { findTemporalTarget } from '../lib/connection/connection.ts';
import { homeFile, homeFolder, type ReadyState, requestStop } from '../lib/home/home.ts';
import { lastErrorLine, logLength } from '../lib/home/lastError.ts';
import { withLock } from '../setup/lock.mjs';
import { endLeftovers, endSupervisor, runningState } from './leftovers.ts';
import type { Output } from './output.ts';
import { stopSignals } from './stopSignals.ts';

/** Milliseconds; on a busy machine the server takes longer than the two seconds it usually does. */
const readyLimit = 90_000;

/** Milliseconds between two looks at another that brings up. */
const lookEvery = 100;

export interface BroughtUp {
  readonly state: ReadyState;
  /** Absent when it was up already: another command's, not ours to end. */
  readonly own?: {
    /** Asks the supervisor to drain and end. */
    stop(): void;
    /** With its exit code; other than 0 when it was not asked to. */
    readonly ended: Promise<number | null>;
  };
}

/**
 * What is up here once its worker polls; the supervisor is started in the background when there is none. Where that fails, or
 * `signal` is aborted meanwhile, all that was started is ended again.
 *
 * @throws FurrowError `SERVER_UNREACHABLE`, `SETUP_INCOMPLETE`; what `signal` was aborted with
 */
export async function bringUp(output: Output, signal: AbortSignal): Promise<BroughtUp> {
  const home = homeFolder();
  const running = await readyState(home, signal);
  if (running) return { state: running };
  let starting = false;
  // One at a time brings up: two servers on one database would damage it.
  const broughtUp = withLock(
    homeFile(home, 'bringUpLock'),
    async () => {
      signal.throwIfAborted();
      starting = true;
      // Whoever held the lock before has brought it up.
      const state = await readyState(home, signal);
      if (state) return { state };
      const ended = await endLeftovers(home);
      if (ended.length > 0) output.say(`Ended what an earlier furrow left running: ${ended.join(' and ')}`);
      return startSupervisor(home, signal);
    },
    { pollMs: lookEvery, onWait: () => output.say('Waiting for another furrow that brings it up') },
  );
  // While another holds the lock there is nothing to end.
  const interrupted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => !starting && reject(signal.reason));
  });
  interrupted.catch(() => {});
  return Promise.race([broughtUp, interrupted]);
}

/** Sees to it that there is a Temporal, saying so. Nothing to do where the environment or a profile names one. */
export async function ensureUp(output: Output): Promise<void> {
  const target = await findTemporalTarget(homeFolder());
  if (target && target.from !== 'furrow up') return;
  if (runningState(homeFolder())?.phase === 'ready') return;
  const stop = stopSignals();
  try {
    output.say('Nothing is up here: starting Temporal and a worker (`furrow down` ends them)');
    const { state } = await bringUp(output, stop.signal);
    output.say(upLine(state, 'is up'));
  } finally {
    stop.release();
  }
}

export function upLine(state: ReadyState, what: string): string {
  return `furrow ${what}: Temporal at ${state.address}, its UI at ${state.ui}`;
}

/** Waits for one that is starting. */
async function readyState(home: string, signal: AbortSignal): Promise<ReadyState | undefined> {
  const logFrom = logLength(homeFile(home, 'workerLog'));
  for (const deadline = Date.now() + readyLimit; ; await sleep(lookEvery)) {
    const state = runningState(home);
    if (!state || state.phase === 'ready') return state;
    signal.throwIfAborted();
    if (Date.now() > deadline) throw notUp(home, logFrom);
  }
}

async function startSupervisor(home: string, signal: AbortSignal): Promise<BroughtUp> {
  const logFrom = logLength(homeFile(home, 'workerLog'));
  const child = forkSupervisor(homeFile(home, 'supervisorLog'));
  const { pid } = child;
  child.on('error', () => {});
  if (pid === undefined) throw new FurrowError('SERVER_UNREACHABLE', `${process.execPath} could not be started`);
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  // At once: nobody may be there any more to do it when what goes on here has been waited for.
  const stop = () => requestStop(home, pid);
  signal.addEventListener('abort', stop);
  try {
    await ready(child, { home, logFrom, signal });
    const state = runningState(home);
    if (state?.phase !== 'ready') throw notUp(home, logFrom);
    child.disconnect();
    return { state, own: { stop, ended } };
  } catch (error) {
    await endSupervisor(home, pid);
    // Started by a command that was killed meanwhile: it was there first.
    const other = signal.aborted ? undefined : await readyState(home, signal);
    if (other) return { state: other };
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

function forkSupervisor(logFile: string): ChildProcess {
  mkdirSync(dirname(logFile), { recursive: true });
  const log = openSync(logFile, 'w', 0o600);
  try {
    // A session of its own: it outlives this terminal, and Ctrl-C reaches it only through us.
    return fork(entryPoint('worker/up.ts'), [], { stdio: ['ignore', log, log, 'ipc'], detached: true });
  } finally {
    closeSync(log);
  }
}

function ready(
  child: ChildProcess,
  { home, logFrom, signal }: { home: string; logFrom: number; signal: AbortSignal },
): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason));
    const late = setTimeout(() => reject(notUp(home, logFrom)), readyLimit);
    child.once('message', (message) => {
      clearTimeout(late);
      const { kind, code, message: sentence } = message as { kind: string; code?: unknown; message?: unknown };
      if (kind === 'ready') resolve();
      else reject(new FurrowError(isFailureCode(code) ? code : 'INTERNAL', String(sentence)));
    });
    child.once('exit', () => {
      clearTimeout(late);
      const said = readFileSync(homeFile(home, 'supervisorLog'), 'utf8').trim();
      reject(new FurrowError('SERVER_UNREACHABLE', said || 'The supervisor ended without a word'));
    });
  });
}

function notUp(home: string, logFrom: number): FurrowError {
  const why = lastErrorLine(homeFile(home, 'workerLog'), logFrom);
  return new FurrowError(
    'SERVER_UNREACHABLE',
    `Not up after ${readyLimit / 1000} s${why ? `; the worker says: ${why}` : ''}; see ${homeFile(home, 'supervisorLog')} and \`furrow logs\``,
  );
}
