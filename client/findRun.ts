import { type Client, type WorkflowExecutionInfo, WorkflowNotFoundError } from '@temporalio/client';
import { FurrowError } from '../contract/errors.ts';
import { workflowType } from '../contract/messages.ts';

export interface FoundRun {
  readonly workflowId: string;
  readonly runId: string;
}

/** A run by its workflow id, or the one that started last. */
export async function findRun(client: Client, name: string | undefined): Promise<FoundRun> {
  if (name === undefined) {
    const [newest] = await newestRuns(client, [], 1);
    if (newest) return { workflowId: newest.workflowId, runId: newest.runId };
    throw noRunYet();
  }
  try {
    const { workflowId, runId } = await client.workflow.getHandle(name).describe();
    return { workflowId, runId };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) throw new FurrowError('RUN_NOT_FOUND', `Temporal knows no run ${name}`);
    throw error;
  }
}

export function noRunYet(): FurrowError {
  return new FurrowError('RUN_NOT_FOUND', 'There is no run yet; `furrow run` starts one');
}

/** One page of Temporal's list. */
const scanned = 1000;

/**
 * The runs that started last, newest first. Temporal lists those that go on before those that ended, and those by their ends: a
 * page of them is put in order here, as its database takes no order.
 */
export async function newestRuns(
  client: Client,
  conditions: readonly string[],
  limit: number,
): Promise<WorkflowExecutionInfo[]> {
  const query = [`WorkflowType = '${workflowType}'`, ...conditions].join(' AND ');
  const found: WorkflowExecutionInfo[] = [];
  for await (const info of client.workflow.list({ query, pageSize: scanned })) {
    found.push(info);
    if (found.length >= Math.max(scanned, limit)) break;
  }
  return found.sort((a, b) => b.startTime.getTime() - a.startTime.getTime()).slice(0, limit);
}
