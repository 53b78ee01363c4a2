import type { WorkflowHandle } from '@temporalio/client';
import { defaultPayloadConverter, fromPayloadsAtIndex } from '@temporalio/common';
import { type Heartbeat, isHeartbeat } from '../../contract/messages.ts';

export interface Pending {
  readonly activityId: string;
  readonly attempt: number;
  readonly heartbeat: Heartbeat | undefined;
  /** The heartbeat is of this attempt; until its first one it is the last of the attempt before. */
  readonly isOwnHeartbeat: boolean;
  /** The failure of the last attempt: its type. */
  readonly lastFailure: string | undefined;
}

/** What Temporal says of the activities that a run waits for: attempts and heartbeats, which its history does not show. */
export async function pendingActivities(handle: WorkflowHandle): Promise<Pending[]> {
  const { raw } = await handle.describe();
  return (raw.pendingActivities ?? []).map((pending) => {
    const { activityId, attempt, heartbeatDetails, lastFailure, lastHeartbeatTime, lastStartedTime } = pending;
    const details: unknown = heartbeatDetails?.payloads?.length
      ? fromPayloadsAtIndex(defaultPayloadConverter, 0, heartbeatDetails.payloads)
      : undefined;
    return {
      activityId: activityId ?? '',
      attempt: attempt ?? 0,
      heartbeat: isHeartbeat(details) ? details : undefined,
      isOwnHeartbeat: pending.state === started && milliseconds(lastHeartbeatTime) > milliseconds(lastStartedTime),
      lastFailure: lastFailure?.applicationFailureInfo?.type ?? undefined,
    };
  });
}

/** https://github.com/temporalio/api: PendingActivityState */
const started = 2;

function milliseconds(time: { seconds?: unknown; nanos?: number | null } | null | undefined): number {
  return Number(time?.seconds ?? 0) * 1000 + (time?.nanos ?? 0) / 1e6;
}
