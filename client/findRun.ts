import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { FurrowError } from '../contract/errors.ts';
import { workflowType } from '../contract/messages.ts';

export interface FoundRun {
  readonly workflowId: string;
  readonly runId: string;
}

/** A run by its workflow id, or the one that started last. */
export async function findRun(client: Client, name: string | undefined): Promise<FoundRun> {
  if (name === undefined) {
    for await (const info of client.workflow.list({ query: `WorkflowType = '${workflowType}'`, pageSize: 1 })) {
      return { workflowId: info.workflowId, runId: info.runId };
    }
    throw new FurrowError('RUN_NOT_FOUND', 'There is no run yet; `furrow run` starts one');
  }
  try {
    const { workflowId, runId } = await client.workflow.getHandle(name).describe();
    return { workflowId, runId };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) throw new FurrowError('RUN_NOT_FOUND', `Temporal knows no run ${name}`);
    throw error;
  }
}
