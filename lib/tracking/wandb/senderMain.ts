/** The sending process's program: the only one that has the key, and one run each. */
import { setPriority } from 'node:os';
import { findAccount } from './account.ts';
import { sendRun } from './send.ts';
import type { FromSender, ToSender } from './sendTask.ts';

// It may wait; what trains on the same cores may not.
const niceness = 10;

let ended = false;
let whole = false;

function send(message: FromSender, sent: () => void = () => {}): void {
  if (process.connected) process.send?.(message, sent);
}

async function serve(task: (ToSender & { kind: 'start' })['task']): Promise<void> {
  const account = await findAccount();
  if (!account) throw new Error('no key for W&B: neither WANDB_API_KEY nor an entry in ~/.netrc');
  const clean = (text: string) => text.replaceAll(account.key, '***');
  try {
    const sent = await sendRun({
      ...{ account, task, signal: new AbortController().signal },
      ended: () => !task.rows.grows || ended,
      isWhole: () => whole,
      onOpened(address) {
        takeSignals();
        send({ kind: 'opened', address });
      },
      onAccepted: (rows) => send({ kind: 'accepted', rows }),
      onTrouble: ({ kind, message }) => send({ kind: 'trouble', message: clean(message), refused: kind === 'refused' }),
    });
    send({ kind: 'done', ...sent }, () => process.exit(0));
  } catch (error) {
    throw new Error(clean(error instanceof Error ? error.message : String(error)));
  }
}

function fail(error: unknown): void {
  send({ kind: 'failed', message: error instanceof Error ? error.message : String(error) }, () => process.exit(1));
}

/** The parent says when to end. The SDK, at a signal or an idle moment, would tell W&B that the run has finished. */
function takeSignals(): void {
  process.removeAllListeners('beforeExit');
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.removeAllListeners(signal);
    process.on(signal, () => {});
  }
}

// The SDK prints its errors, with what it was sending, and may throw where nobody catches.
for (const method of ['log', 'error', 'warn', 'info'] as const) console[method] = () => {};
process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);
takeSignals();
process.on('disconnect', () => process.exit(0));
process.on('message', (message: ToSender) => {
  if (message.kind === 'start') void serve(message.task).catch(fail);
  else {
    whole = message.whole;
    ended = true;
  }
});
try {
  setPriority(niceness);
} catch {}
send({ kind: 'ready' });
