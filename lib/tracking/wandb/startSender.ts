import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { entryPoint } from '../../code/root.ts';
import type { FromSender, SendTask, ToSender } from './sendTask.ts';

/** What the sending process is given of its parent's environment: where W&B is, the key, the way there. */
const passed =
  /^(PATH|HOME|USERPROFILE|SYSTEMROOT|TMPDIR|TEMP|TMP|LANG|NETRC|WANDB_API_KEY|WANDB_BASE_URL|NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|(HTTPS?|NO)_PROXY)$/i;

/** Milliseconds before a sender that ended by itself is started again; it doubles up to the longest while it keeps ending. */
const firstRestart = 1_000;
const longestRestart = 60_000;

/** Milliseconds that a refusal is argued with: it stands until a person does something. */
const refusalMs = 10_000;

export interface Sender {
  /** Rows that W&B has. */
  readonly accepted: number;
  /** Why it takes nothing at the moment. */
  readonly trouble: { readonly message: string; readonly refused: boolean } | undefined;
  readonly address: string | undefined;
  /** The rows file grows no more: settles when all is there. */
  end(whole: boolean): Promise<void>;
  kill(): void;
}

export interface SenderOptions {
  readonly task: SendTask;
  readonly env?: NodeJS.ProcessEnv;
  onSpawn?(pid: number): void;
  onOpened?(address: string): void;
  /** Once for each new reason. */
  onTrouble?(message: string): void;
}

/**
 * Follows a file of rows and sends them, in a process of its own. One that dies is started again, and goes on after what W&B has: no
 * row is lost by it, and none is there twice.
 */
export function startSender({ task, env = process.env, onSpawn, onOpened, onTrouble }: SenderOptions): Sender {
  let accepted = 0;
  let trouble: Sender['trouble'];
  let address: string | undefined;
  let ending: ToSender | undefined;
  let killed = false;
  let child: ChildProcess | undefined;
  let timer: NodeJS.Timeout | undefined;
  let restart = firstRestart / 2;
  let settle = () => {};
  const done = new Promise<void>((resolve) => {
    settle = resolve;
  });
  const tell = (message: ToSender) => {
    if (child?.connected) child.send(message, () => {});
  };
  const troubled = (message: string, refused: boolean) => {
    if (trouble?.message !== message) onTrouble?.(message);
    trouble = { message, refused };
  };
  const take = (message: FromSender) => {
    if (message.kind === 'ready') {
      tell({ kind: 'start', task });
      if (ending) tell(ending);
    } else if (message.kind === 'opened') {
      trouble = undefined;
      restart = firstRestart / 2;
      if (address !== message.address) onOpened?.(message.address);
      address = message.address;
    } else if (message.kind === 'accepted') {
      if (message.rows > accepted) trouble = undefined;
      accepted = message.rows;
    } else if (message.kind === 'trouble') troubled(message.message, message.refused);
    else if (message.kind === 'failed') troubled(message.message, false);
    else {
      accepted = message.rows;
      killed = true;
      settle();
    }
  };
  const start = () => {
    child = forkSender(env);
    if (child.pid !== undefined) onSpawn?.(child.pid);
    child.on('message', take);
    const onEnd = () => {
      if (killed) return;
      restart = Math.min(restart * 2, longestRestart);
      timer = setTimeout(start, restart);
      timer.unref();
    };
    child.once('exit', onEnd);
    child.on('error', child.pid === undefined ? onEnd : () => {});
  };
  start();
  const kill = () => {
    killed = true;
    clearTimeout(timer);
    child?.kill('SIGKILL');
    process.removeListener('exit', kill);
  };
  process.once('exit', kill);
  return {
    get accepted() {
      return accepted;
    },
    get trouble() {
      return trouble;
    },
    get address() {
      return address;
    },
    end(whole) {
      ending = { kind: 'ended', whole };
      tell(ending);
      return done;
    },
    kill,
  };
}

/** What could not be sent. */
export class NotSent extends Error {
  readonly refused: boolean;

  constructor(message: string, refused: boolean) {
    super(message);
    this.refused = refused;
  }
}

/**
 * Sends a run whose rows are all there, once.
 *
 * @param patienceMs how long W&B may take nothing before it is given up
 * @returns the run's address for people
 * @throws NotSent, the signal's reason
 */
export async function sendOnce(
  task: SendTask,
  options: {
    readonly signal: AbortSignal;
    readonly patienceMs: number;
    readonly env?: NodeJS.ProcessEnv;
    onTrouble?(message: string): void;
  },
): Promise<{ readonly rows: number; readonly address: string }> {
  const { signal, patienceMs, env = process.env, onTrouble } = options;
  signal.throwIfAborted();
  const child = forkSender(env);
  const kill = () => child.kill('SIGKILL');
  signal.addEventListener('abort', kill, { once: true });
  process.once('exit', kill);
  let last: FromSender | undefined;
  let impatient = setTimeout(kill, patienceMs);
  let why = { message: 'W&B took nothing', refused: false };
  child.on('message', (message: FromSender) => {
    if (message.kind === 'ready') child.send({ kind: 'start', task } satisfies ToSender, () => {});
    else if (message.kind === 'trouble') {
      if (message.refused && !why.refused) impatient = inPlaceOf(impatient, kill, Math.min(patienceMs, refusalMs));
      if (message.message !== why.message) onTrouble?.(message.message);
      why = message;
    } else {
      why = { ...why, refused: false };
      impatient = inPlaceOf(impatient, kill, patienceMs);
      if (message.kind === 'done' || message.kind === 'failed') last = message;
    }
  });
  try {
    await Promise.race([once(child, 'exit'), once(child, 'error')]);
    signal.throwIfAborted();
    if (last?.kind === 'done') return { rows: last.rows, address: last.address };
    if (last?.kind === 'failed') throw new NotSent(last.message, false);
    throw new NotSent(why.message, why.refused);
  } finally {
    clearTimeout(impatient);
    signal.removeEventListener('abort', kill);
    process.removeListener('exit', kill);
  }
}

function inPlaceOf(timer: NodeJS.Timeout, act: () => void, ms: number): NodeJS.Timeout {
  clearTimeout(timer);
  return setTimeout(act, ms);
}

function forkSender(env: NodeJS.ProcessEnv): ChildProcess {
  const kept = Object.entries(env).filter(([name, value]) => value !== undefined && passed.test(name));
  return fork(entryPoint('lib/tracking/wandb/senderMain.ts'), [], {
    env: Object.fromEntries(kept) as Record<string, string>,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
}
