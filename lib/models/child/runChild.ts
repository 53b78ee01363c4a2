/** The parent's side: starts a child process for one task, passes messages on, and sees to it that no child is left. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { setTimeout as setTimeoutPromise } from 'node:timers/promises';
import { durationSeconds } from '../../../contract/duration.ts';
import { FurrowError, isFailureCode } from '../../../contract/errors.ts';
import { usualStallTimeout } from '../../../contract/networks/training.ts';
import type { StageLog, StageProgress } from '../../../contract/stage.ts';
import { batchWork } from './batchWork.ts';
import { childEnvironment } from './environment.ts';
import { lackOfMemory, oomKills, outOfMemory, type WatchedMemory, watchMemory } from './memory.ts';
import type { FromChild, ToChild } from './messages.ts';

/** For the step that is under way (4 s for a large batch on two cores) and the checkpoint after it; then the child is killed. */
const stopGraceMs = 8_000;
/**
 * TensorFlow's warnings: where it gets no memory it may go on with a null pointer, and a warning is all that it says before. They
 * are shown only when the child crashes.
 */
const speaksOfMemory = { TF_CPP_MIN_LOG_LEVEL: '1' };
/** As `stallTimeout` has it where a pipeline says nothing. */
const usualStallMs = durationSeconds(usualStallTimeout) * 1000;
/** Of the child's standard error, what is kept to explain a crash. */
const stderrTail = 4_096;

export interface ChildRun {
  /** The built program, from `entryPoint('…')`. */
  readonly entry: string;
  /** Plain data. */
  readonly task: unknown;
  readonly signal: AbortSignal;
  readonly log: StageLog;
  /** On top of {@link childEnvironment}. */
  readonly env?: Readonly<Record<string, string>>;
  onProgress?(progress: StageProgress): void;
  /** The file may be moved away. When this fails, training goes on to the next checkpoint. */
  onCheckpoint?(step: number, file: string): Promise<void>;
  onSpawn?(pid: number): void;
  readonly stopGraceMs?: number;
  /** The child is killed when nothing comes from it for so long. */
  readonly stallMs?: number;
  /** What would need less memory, with the task's own numbers, for the failure that says so: "`batchSize` from 16 to 8". */
  readonly lower?: string | undefined;
}

/**
 * Runs the task and gives its result. Once `signal` is aborted the child is asked to stop, its last checkpoint is taken, it is
 * killed when that takes too long, and the signal's reason is thrown.
 *
 * @throws FurrowError the child's own; `CHILD_STALLED` when it hung; `CHILD_CRASHED` or `CHILD_OUT_OF_MEMORY` when it ended
 *   without a word
 */
export async function runChild(options: ChildRun): Promise<unknown> {
  const { entry, signal } = options;
  signal.throwIfAborted();
  if (!existsSync(entry)) {
    throw new FurrowError('SETUP_INCOMPLETE', 'The program of the child process is not built');
  }
  const killsBefore = oomKills();
  const [execPath, execArgv] = batchWork(process.execPath, []);
  const child = fork(entry, [], {
    execPath,
    execArgv,
    env: { ...speaksOfMemory, ...childEnvironment(process.env), ...options.env },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  const stderr = keepTail(child);
  const memory = watchMemory(child.pid);
  const stall = watchStall(child, options.stallMs ?? usualStallMs);
  const conversation = converse(child, options, stall);
  let killed = false;
  let timer: NodeJS.Timeout | undefined;
  const stop = () => {
    tell(child, { kind: 'stop' });
    timer = setTimeout(() => {
      killed = true;
      child.kill('SIGKILL');
    }, options.stopGraceMs ?? stopGraceMs);
  };
  signal.addEventListener('abort', stop, { once: true });
  // A parent that ends in an orderly way takes the child with it; for the other ways the child watches the channel.
  const killNow = () => child.kill('SIGKILL');
  process.once('exit', killNow);
  try {
    const exit = await ended(child);
    const last = await Promise.race([conversation.settled(), graceAfter(signal)]);
    if (signal.aborted) throw signal.reason;
    if (last?.kind === 'done') return last.result;
    if (stall.killed) throw stalled(options);
    if (last?.kind === 'failed') throw failureOf(last, options, memory);
    throw crash(exit, stderr(), { killed, oom: oomKills() > killsBefore, memory, lower: options.lower });
  } finally {
    clearTimeout(timer);
    memory.stop();
    stall.stop();
    signal.removeEventListener('abort', stop);
    process.removeListener('exit', killNow);
  }
}

/** A store that hangs must not keep an attempt that was told to stop. */
async function graceAfter(signal: AbortSignal): Promise<undefined> {
  if (!signal.aborted) await once(signal, 'abort');
  await setTimeoutPromise(stopGraceMs, undefined, { ref: false });
  return undefined;
}

interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly error?: Error;
}

function ended(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve) => {
    child.once('error', (error) => {
      if (child.pid === undefined) resolve({ code: null, signal: null, error });
    });
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
}

/** Kills a child that is not heard of any more: stopped, deadlocked, waiting for a GPU that does not answer. */
function watchStall(child: ChildProcess, limitMs: number) {
  let killed = false;
  let timer: NodeJS.Timeout | undefined;
  const stop = () => clearTimeout(timer);
  const heard = () => {
    stop();
    timer = setTimeout(() => {
      killed = true;
      child.kill('SIGKILL');
    }, limitMs);
  };
  heard();
  return {
    heard,
    /** While the parent has the turn: a store that is slow is not the child's doing. */
    stop,
    get killed() {
      return killed;
    },
  };
}

type Stall = ReturnType<typeof watchStall>;

function stalled({ stallMs = usualStallMs }: ChildRun): FurrowError {
  return new FurrowError('CHILD_STALLED', `The child process made no progress for ${stallMs / 1000} s and was killed`);
}

function converse(child: ChildProcess, { task, log, onProgress, onCheckpoint, onSpawn }: ChildRun, stall: Stall) {
  let last: FromChild | undefined;
  let storing: Promise<void> = Promise.resolve();
  const store = async (step: number, file: string): Promise<void> => {
    let stored = false;
    stall.stop();
    try {
      await onCheckpoint?.(step, file);
      stored = onCheckpoint !== undefined;
    } catch (error) {
      log.warn(`checkpoint of step ${step} was not stored: ${error instanceof Error ? error.message : String(error)}`, {
        step,
      });
    }
    stall.heard();
    tell(child, { kind: 'checkpointTaken', step, stored });
  };
  child.on('message', (message: FromChild) => {
    stall.heard();
    if (message.kind === 'ready') {
      if (child.pid !== undefined) onSpawn?.(child.pid);
      tell(child, { kind: 'start', task });
    } else if (message.kind === 'progress') onProgress?.(message.progress);
    else if (message.kind === 'warning') log.warn(message.message);
    else if (message.kind === 'checkpoint') storing = storing.then(() => store(message.step, message.file));
    else last = message;
  });
  return {
    /** Once the child is gone: a checkpoint that it had handed over is still stored. */
    settled: async (): Promise<FromChild | undefined> => {
      await storing;
      return last;
    },
  };
}

function tell(child: ChildProcess, message: ToChild): void {
  // The child may be gone already; that shows as its exit.
  if (child.connected) child.send(message, () => {});
}

function keepTail(child: ChildProcess): () => string {
  let tail = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    tail = (tail + chunk).slice(-stderrTail);
  });
  return () => tail;
}

/** History keeps the message alone; where in the code it happened, the worker's log says. */
function failureOf(
  { code, message, details, stack }: FromChild & { kind: 'failed' },
  { log, lower }: ChildRun,
  memory: WatchedMemory,
): FurrowError {
  if (stack) log.warn(`a fault in the child process: ${message}`, { stack });
  if (code === 'CHILD_OUT_OF_MEMORY') return outOfMemory(message, { memory, lower, details });
  return new FurrowError(isFailureCode(code) ? code : 'INTERNAL', message, { details });
}

interface Ending {
  readonly killed: boolean;
  readonly oom: boolean;
  readonly memory: WatchedMemory;
  readonly lower: string | undefined;
}

function crash(exit: Exit, stderr: string, { killed, oom, memory, lower }: Ending): FurrowError {
  const how = exit.error?.message ?? (exit.signal ? `signal ${exit.signal}` : `exit code ${exit.code}`);
  const details = { exitCode: exit.code, signal: exit.signal };
  const lack = lackOfMemory({ signal: exit.signal, stderr, killed, oom, memory });
  if (lack) return outOfMemory(lack, { memory, lower, details });
  const lines = stderr.trim().split('\n').slice(-5).join('\n').slice(-1000);
  const message = `The child process ended by ${how}${lines ? `; its last lines:\n${lines}` : ''}`;
  return new FurrowError('CHILD_CRASHED', message, { details });
}
