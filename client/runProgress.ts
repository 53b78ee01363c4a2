import type { Client, WorkflowHandle } from '@temporalio/client';
import { type Heartbeat, isHeartbeat, progressQuery, type RunRecord } from '../contract/messages.ts';

/** What a workflow cannot see of a running stage. */
export interface LiveStage {
  readonly attempt: number;
  readonly heartbeat?: Heartbeat;
  /** The failure of the attempt before this one. */
  readonly lastFailure?: string;
  /** Waiting for a worker: the queue that nobody took it from yet. */
  readonly waitsFor?: string;
}

export function runProgress(handle: WorkflowHandle): Promise<RunRecord> {
  return handle.query<RunRecord, []>(progressQuery);
}

/** Attempts and heartbeats by activity id, from the server. */
export async function liveStages(
  client: Client,
  workflowId: string,
  runId: string,
): Promise<ReadonlyMap<string, LiveStage>> {
  const { raw } = await client.workflow.getHandle(workflowId, runId).describe();
  const pending = raw.pendingActivities ?? [];
  return new Map(
    pending.map((activity) => {
      const live: LiveStage = {
        attempt: activity.attempt ?? 1,
        ...decodeHeartbeat(activity.heartbeatDetails?.payloads?.[0]?.data),
        ...(activity.lastFailure?.message && { lastFailure: activity.lastFailure.message }),
        ...(!activity.lastStartedTime && { waitsFor: activity.activityType?.name ?? '' }),
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

/** The queues of `queues` that no worker polls. */
export async function unpolledQueues(client: Client, namespace: string, queues: readonly string[]): Promise<string[]> {
  const checked = await Promise.all(
    [...new Set(queues)].map(async (queue) => {
      const { pollers } = await client.workflowService.describeTaskQueue({
        namespace,
        taskQueue: { name: queue },
        taskQueueType: 2,
      });
      const fresh = (pollers ?? []).some(
        (poller) => Date.now() / 1000 - Number(poller.lastAccessTime?.seconds ?? 0) < pollerAge,
      );
      return fresh ? undefined : queue;
    }),
  );
  return checked.filter((queue): queue is string => queue !== undefined);
}
