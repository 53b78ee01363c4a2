import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import { type Heartbeat, isHeartbeat, progressQuery, type RunRecord } from '../contract/messages.ts';
import { mainQueue } from '../contract/queues.ts';
import { statusOf } from './runStatus.ts';

/** A run as it stands: what its workflow says, and what the server knows besides. */
export interface RunLook {
  /** Absent while nobody can answer: no worker is there, and nothing was saved yet. */
  readonly record?: RunRecord;
  readonly live: ReadonlyMap<string, LiveStage>;
  /** Queues with work that nobody has taken for {@link patience}. */
  readonly waiting: readonly WaitingQueue[];
}

/** What a workflow cannot see of a running stage. */
export interface LiveStage {
  readonly attempt: number;
  readonly heartbeat?: Heartbeat;
  /** The failure of the attempt before this one. */
  readonly lastFailure?: string;
  /** Milliseconds that it has waited for a worker, when it waits for one. */
  readonly waited?: number;
  /** Milliseconds until it is tried again, when it waits for that. */
  readonly retryIn?: number;
}

export interface WaitingQueue {
  readonly queue: string;
  /** Whether a worker asked for work lately: it may be busy. */
  readonly polled: boolean;
}

export interface RunPlace {
  readonly client: Client;
  readonly namespace: string;
  readonly workflowId: string;
  readonly runId: string;
}

/** Milliseconds that work may lie in a queue before it is worth a word: an idle worker takes it within a few. */
const patience = 2000;

/** Milliseconds that a query may take: it waits for a worker that may never come. */
const queryLimit = 3000;

export async function lookAtRun(place: RunPlace, now: number = Date.now()): Promise<RunLook> {
  const { client, workflowId, runId } = place;
  const handle = client.workflow.getHandle(workflowId, runId);
  const description = await handle.describe();
  const ended = description.status.name !== 'RUNNING';
  const taskWaits = workflowTaskWait(description, now);
  const ask = () =>
    client
      .withDeadline(Date.now() + queryLimit, () => handle.query<RunRecord, []>(progressQuery))
      .catch((): undefined => undefined);
  const saved = () => savedRecord(description);
  // An ended run is in the store as a whole, and needs no worker; one that goes on is best known by its workflow.
  const record = ended
    ? ((await saved()) ?? (await ask()) ?? (await endedRecord(place, description)))
    : taskWaits > patience
      ? await saved()
      : await ask();
  const live = liveStages(description, now);
  const names = (record?.stages ?? [])
    .filter((stage) => (live.get(stage.activityId ?? '')?.waited ?? 0) > patience)
    .map((stage) => stage.queue);
  if (taskWaits > patience) names.push(mainQueue);
  const waiting = await Promise.all(
    [...new Set(names)].map(async (queue) => ({ queue, polled: await isPolled(place, queue, now) })),
  );
  return {
    ...(record && { record: { ...record, status: statusOf(description.status.name, record.status) } }),
    live,
    waiting,
  };
}

export function waitingLine({ queue, polled }: WaitingQueue): string {
  const start = `furrow worker --queues ${queue}`;
  return polled
    ? `Work waits on queue ${queue}: its worker is busy or went away; another one: ${start}`
    : `No worker polls queue ${queue}; start one: ${start}`;
}

/** What the run saved to its store at its last change of state. */
async function savedRecord({ memo, workflowId, runId }: WorkflowExecutionDescription): Promise<RunRecord | undefined> {
  const uri = memo?.store;
  if (typeof uri !== 'string') return undefined;
  const { openStore } = await import('../lib/store/store.ts');
  const { readRunRecord } = await import('../lib/store/runRecords.ts');
  try {
    return await readRunRecord(await openStore(uri, { create: false }), workflowId, runId);
  } catch {
    // A store that this machine does not see.
    return undefined;
  }
}

/** What the server alone knows of an ended run: one that failed before it was planned has saved nothing. */
async function endedRecord(
  { client, workflowId, runId }: RunPlace,
  { startTime, closeTime, memo }: WorkflowExecutionDescription,
): Promise<RunRecord> {
  const { readRunFailure } = await import('./runFailure.ts');
  const failure = await client.workflow
    .getHandle(workflowId, runId)
    .result()
    .then(() => undefined, readRunFailure);
  return {
    format: 1,
    run: { pipeline: String(memo?.pipeline ?? ''), workflowId, runId },
    status: 'failed',
    startedAt: startTime.toISOString(),
    ...(closeTime && { endedAt: closeTime.toISOString() }),
    stages: [],
    ...(failure && { failure }),
  };
}

/** Temporal's PendingActivityState and PendingWorkflowTaskState: in a queue, not with a worker. */
const scheduled = 1;

function workflowTaskWait({ raw }: WorkflowExecutionDescription, now: number): number {
  const task = raw.pendingWorkflowTask;
  return task?.state === scheduled ? now - milliseconds(task.scheduledTime, now) : 0;
}

/** Attempts and heartbeats by activity id, from the server. */
export function liveStages({ raw }: WorkflowExecutionDescription, now: number): ReadonlyMap<string, LiveStage> {
  return new Map(
    (raw.pendingActivities ?? []).map((activity) => {
      const due = milliseconds(activity.nextAttemptScheduleTime ?? activity.scheduledTime, now);
      const live: LiveStage = {
        attempt: activity.attempt ?? 1,
        ...decodeHeartbeat(activity.heartbeatDetails?.payloads?.[0]?.data),
        ...(activity.lastFailure?.message && { lastFailure: activity.lastFailure.message }),
        ...(activity.state === scheduled &&
          (due > now ? { retryIn: Math.round(due - now) } : { waited: Math.round(now - due) })),
      };
      return [activity.activityId ?? '', live];
    }),
  );
}

function decodeHeartbeat(data: Uint8Array | null | undefined): { heartbeat?: Heartbeat } {
  if (!data) return {};
  try {
    const value: unknown = JSON.parse(Buffer.from(data).toString('utf8'));
    return isHeartbeat(value) ? { heartbeat: value } : {};
  } catch {
    return {};
  }
}

/** Seconds that a queue's last poller may be ago: a long poll takes up to 60. */
const pollerAge = 90;

async function isPolled({ client, namespace }: RunPlace, queue: string, now: number): Promise<boolean> {
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace,
    taskQueue: { name: queue },
    taskQueueType: 2,
  });
  return (pollers ?? []).some((poller) => now - milliseconds(poller.lastAccessTime, 0) < pollerAge * 1000);
}

/** A protobuf timestamp; its seconds are a Long. */
function milliseconds(
  time: { seconds?: { toString(): string } | null; nanos?: number | null } | null | undefined,
  otherwise: number,
): number {
  if (!time?.seconds) return otherwise;
  return Number(time.seconds.toString()) * 1000 + (time.nanos ?? 0) / 1e6;
}
