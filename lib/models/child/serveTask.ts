/** The child's side: takes one task from its parent, does it, and ends; it never outlives its parent. */
import { FurrowError } from '../../../contract/errors.ts';
import type { StageProgress } from '../../../contract/stage.ts';
import { isDiskFull } from '../../store/diskFull.ts';
import { allocationFailed } from '../allocationFailed.ts';
import type { FromChild, ToChild } from './messages.ts';

export interface Session {
  stopRequested(): boolean;
  progress(update: StageProgress): void;
  /** Something went wrong that the task goes on after. */
  warn(message: string): void;
  /** Hands a checkpoint to the parent; settles when the parent is done with the file, and tells whether it is stored. */
  checkpoint(step: number, file: string): Promise<boolean>;
}

/** Characters: the innermost dozen of frames. */
const longestStack = 2_000;

/** What a task gives back that was asked to stop and did. */
export const stopped = Symbol('stopped');

export function serveTask<T, R>(run: (task: T, session: Session) => Promise<R | typeof stopped>): void {
  // Ctrl-C reaches the whole process group, yet when to stop is for the parent to say.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
  // The parent is gone: what would be computed now, nobody would take.
  process.on('disconnect', () => process.exit(0));

  let stopping = false;
  const waiting = new Map<number, (stored: boolean) => void>();
  const session: Session = {
    stopRequested: () => stopping,
    progress: (progress) => send({ kind: 'progress', progress }),
    warn: (message) => send({ kind: 'warning', message }),
    checkpoint: (step, file) =>
      new Promise((resolve) => {
        waiting.set(step, resolve);
        send({ kind: 'checkpoint', step, file });
      }),
  };
  process.on('message', (message: ToChild) => {
    if (message.kind === 'stop') stopping = true;
    if (message.kind === 'checkpointTaken') waiting.get(message.step)?.(message.stored);
    if (message.kind === 'start') void answer(() => run(message.task as T, session));
  });
  send({ kind: 'ready' });
}

async function answer(run: () => Promise<unknown>): Promise<void> {
  const last: FromChild = await run().then(
    (result) => (result === stopped ? { kind: 'stopped' } : { kind: 'done', result }),
    (error: unknown) => ({ kind: 'failed', ...explain(error) }),
  );
  send(last, () => process.exit(0));
}

function explain(error: unknown): Omit<FromChild & { kind: 'failed' }, 'kind'> {
  if (error instanceof FurrowError) return { code: error.code, message: error.message, details: error.details };
  const message = error instanceof Error ? error.message : String(error);
  if (isDiskFull(error)) return { code: 'STORE_FULL', message, details: {} };
  const code = allocationFailed.test(message) ? 'CHILD_OUT_OF_MEMORY' : 'INTERNAL';
  return { code, message, details: {}, ...(error instanceof Error && { stack: framesOf(error) }) };
}

/** Without the message, which may be longer than all frames. */
function framesOf({ stack = '' }: Error): string {
  return stack.slice(stack.indexOf('\n    at ') + 1).slice(0, longestStack);
}

function send(message: FromChild, sent: () => void = () => {}): void {
  if (process.connected) process.send?.(message, sent);
}
