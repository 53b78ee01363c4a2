/** A run that a person asks something of. */
import {
  type Client,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { type FailureCode, FurrowError, isFailureCode } from '../contract/errors.ts';
import type { ApproveRequest, Intervention, RetryRequest, RunRecord, updateNames } from '../contract/messages.ts';
import { runPage, type TemporalTarget } from '../lib/connection/connection.ts';
import { connect } from './connect.ts';
import { findRun } from './findRun.ts';
import { lookAtRun, type RunLook, waitingLine } from './runProgress.ts';

export interface RunHandle {
  readonly client: Client;
  readonly target: TemporalTarget;
  readonly workflowId: string;
  readonly runId: string;
  /** The Temporal UI's page of the run. */
  readonly page: string | undefined;
  look(): Promise<RunLook>;
}

/** The run of that workflow id, or the newest. */
export async function openRun(name: string | undefined): Promise<RunHandle> {
  const { client, target } = await connect();
  const { workflowId, runId } = await findRun(client, name);
  return {
    ...{ client, target, workflowId, runId },
    page: target.ui && runPage(target.ui, target.namespace, workflowId, runId),
    look: () => lookAtRun({ client, namespace: target.namespace, workflowId, runId }),
  };
}

/** What the run says of itself. @throws FurrowError `WORKER_LOST` where nobody can say, with the command that starts a worker */
export async function recordOf({ workflowId, look }: RunHandle): Promise<RunRecord> {
  const { record, waiting } = await look();
  if (record) return record;
  const lines = [`No worker answers for ${workflowId}, and it has saved nothing yet`, ...waiting.map(waitingLine)];
  throw new FurrowError('WORKER_LOST', lines.join('\n'));
}

/** Milliseconds that a worker may take to answer: the parameters of a retry are checked meanwhile. */
const answerLimit = 15_000;

/**
 * Asks a run that goes on, by one of its updates.
 *
 * @throws FurrowError `WRONG_STATE` where it does not fit the run's state; what a retry's parameters are refused with; `WORKER_LOST`
 */
export async function ask(
  { client, workflowId, runId, look }: RunHandle,
  name: (typeof updateNames)[keyof typeof updateNames],
  request: RetryRequest | ApproveRequest = {},
): Promise<Intervention> {
  const handle = client.workflow.getHandle(workflowId, runId);
  try {
    return await client.withDeadline(Date.now() + answerLimit, () =>
      handle.executeUpdate<Intervention, [object]>(name, { args: [request] }),
    );
  } catch (error) {
    if (error instanceof WorkflowUpdateFailedError) throw refusalOf(error);
    if (error instanceof WorkflowNotFoundError) throw new FurrowError('WRONG_STATE', `${workflowId} has ended`);
    if (!(error instanceof WorkflowUpdateRPCTimeoutOrCancelledError)) throw error;
    const { waiting } = await look();
    const lines = [`No worker answered for ${workflowId}; nothing was changed`, ...waiting.map(waitingLine)];
    throw new FurrowError('WORKER_LOST', lines.join('\n'), { cause: error });
  }
}

function refusalOf({ cause }: WorkflowUpdateFailedError): Error {
  if (!(cause instanceof ApplicationFailure)) return new FurrowError('INTERNAL', cause?.message ?? 'The update failed');
  const code: FailureCode = isFailureCode(cause.type) ? cause.type : 'INTERNAL';
  return new FurrowError(code, cause.message);
}
