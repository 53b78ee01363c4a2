/** The workflow that sends a run to its tracker, beside the run. */
import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { handOverUpdate, type RunRecord, takeBackSignal, trackWorkflowId } from '../contract/messages.ts';
import { liveStages } from './runProgress.ts';

/** Trackers of one run: more than one where a reset or a person ended the first. */
const mostTrackers = 10;

export interface Tracker {
  readonly workflowId: string;
  readonly runId: string;
  readonly status: string;
  readonly isSending: boolean;
  /** Why it does not get on. */
  readonly waits: string | undefined;
}

/** The run's last one; undefined for a run that is not tracked, or that Temporal does not know any more. */
export async function lastTracker(
  client: Client,
  { workflowId, runId }: RunRecord['run'],
): Promise<Tracker | undefined> {
  const run = await describe(client, workflowId, runId);
  const firstRunId = run?.raw.workflowExecutionInfo?.firstRunId || runId;
  let last: Tracker | undefined;
  for (let number = 1; number <= mostTrackers; number++) {
    const id = trackWorkflowId(workflowId, firstRunId, number);
    const found = await describe(client, id);
    if (!found) return last;
    const [sending] = liveStages(found, Date.now()).values();
    const waits = sending?.heartbeat?.waits ?? sending?.lastFailure;
    last = { workflowId: id, runId: found.runId, status: found.status.name, isSending: sending !== undefined, waits };
  }
  return last;
}

/** Milliseconds that a worker may take to stop what it sends: it hears of it with a heartbeat. */
const handOverLimit = 30_000;

/** Does what only one at a time may do: the run's own tracker stops meanwhile, and looks at what is left afterwards. */
export async function inPlaceOfTracker<T>(client: Client, run: RunRecord['run'], act: () => Promise<T>): Promise<T> {
  const tracker = await lastTracker(client, run);
  if (tracker?.status !== 'RUNNING') return act();
  const handle = client.workflow.getHandle(tracker.workflowId, tracker.runId);
  // Where no worker is there to answer, none is there to send.
  await client.withDeadline(Date.now() + handOverLimit, () => handle.executeUpdate(handOverUpdate)).catch(() => {});
  try {
    return await act();
  } finally {
    await handle.signal(takeBackSignal).catch(() => {});
  }
}

async function describe(client: Client, workflowId: string, runId?: string) {
  try {
    return await client.workflow.getHandle(workflowId, runId).describe();
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}
