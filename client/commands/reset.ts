import { randomUUID } from 'node:crypto';
import { FurrowError } from '../../contract/errors.ts';
import { retireManifest } from '../../lib/store/manifests.ts';
import { openStoreAt } from '../../lib/store/store.ts';
import { type Output, UsageError } from '../output.ts';
import { openRun, recordOf } from '../runHandle.ts';
import { followStarted } from '../startRun.ts';

export interface ResetOptions {
  readonly to: string;
  readonly detach?: boolean;
}

/** https://github.com/temporalio/api/blob/master/temporal/api/enums/v1/reset.proto: signals, updates and cancellations. */
const nothingAgain = [1, 2, 4];

/**
 * `furrow reset RUN --to STAGE`: takes a run back to where the stage began, by Temporal's own reset: what came before stands, the
 * stage runs again although its result is there, and so does what depends on it where that comes out differently.
 */
export async function reset(
  name: string | undefined,
  { to, detach = false }: ResetOptions,
  output: Output,
): Promise<number> {
  const run = await openRun(name);
  const record = await recordOf(run);
  const stage = record.stages.find((candidate) => candidate.name === to);
  if (!stage) {
    const names = record.stages.map((candidate) => candidate.name).join(', ') || 'none that are known';
    throw new UsageError(`${run.workflowId} has no stage ${to}`, `Its stages: ${names}.`);
  }
  if (stage.historyAt === undefined)
    throw new FurrowError('WRONG_STATE', `${to} has not begun: there is nothing to go back before`);
  // Before the reset: a run that finds the result there would take it.
  if (record.store && stage.key) await retireManifest(await openStoreAt(record.store), stage.key);
  const { client, target, workflowId } = run;
  const { runId } = await client.workflowService.resetWorkflowExecution({
    namespace: target.namespace,
    workflowExecution: { workflowId, runId: run.runId },
    reason: `furrow reset --to ${to}`,
    requestId: randomUUID(),
    // The end of the workflow task that started the stage; it is done again.
    workflowTaskFinishEventId: (stage.historyAt + 1) as never,
    resetReapplyExcludeTypes: nothingAgain,
  });
  return followStarted({ client, target, workflowId, runId }, detach, output);
}
