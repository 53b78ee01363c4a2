import { setTimeout as sleep } from 'node:timers/promises';
import { FurrowError } from '../../contract/errors.ts';
import { isOpen } from '../../contract/messages.ts';
import { exitCodes, type Output } from '../output.ts';
import { openRun } from '../runHandle.ts';
import { waitingLine } from '../runProgress.ts';
import { statusOf } from '../runStatus.ts';

/** Milliseconds: a training ends its step, stores a checkpoint and leaves; a worker that died is given up after its heartbeat timeout. */
const endLimit = 40_000;
const lookEvery = 200;

/** `furrow cancel RUN`: ends a run; returns when it has ended, with every process of it. What is finished, and checkpoints, stay. */
export async function cancel(name: string | undefined, output: Output): Promise<number> {
  const run = await openRun(name);
  const { workflowId, runId } = run;
  const handle = run.client.workflow.getHandle(workflowId, runId);
  const statusNow = async () => statusOf((await handle.describe()).status.name);
  const before = await statusNow();
  if (!isOpen(before)) throw new FurrowError('WRONG_STATE', `${workflowId} has ended already: it is ${before}`);
  await handle.cancel();
  for (const deadline = Date.now() + endLimit; Date.now() < deadline; await sleep(lookEvery)) {
    const status = await statusNow();
    if (isOpen(status)) continue;
    output.answer({ workflowId, runId, status }, () => [
      status === 'cancelled' ? `Cancelled ${workflowId}` : `${workflowId} was ${status} before it could be cancelled`,
      `furrow retry ${workflowId} goes on from what is finished.`,
    ]);
    return exitCodes.ok;
  }
  const { waiting } = await run.look();
  const lines = [`${workflowId} is asked to end, and ends once a worker is there`, ...waiting.map(waitingLine)];
  throw new FurrowError('WORKER_LOST', lines.join('\n'));
}
