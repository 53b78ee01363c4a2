import type { WorkflowHandle } from '@temporalio/client';
import { defaultPayloadConverter, fromPayloadsAtIndex } from '@temporalio/common';
import { type Heartbeat, isHeartbeat } from '../../contract/messages.ts';

export interface Pending {
  readonly activityId: string;
  readonly attempt: number;
  readonly heartbeat: Heartbeat | undefined;
  /** The failure of the last attempt: its type. */
  readonly lastFailure: string | undefined;
}

/** What Temporal says of the activities that a run waits for: attempts and heartbeats, which its history does not show. */
export async function pendingActivities(handle: WorkflowHandle): Promise<Pending[]> {
  const { raw } = await handle.describe();
  return (raw.pendingActivities ?? []).map(({ activityId, attempt, heartbeatDetails, lastFailure }) => {
    const details: unknown = heartbeatDetails?.payloads?.length
      ? fromPayloadsAtIndex(defaultPayloadConverter, 0, heartbeatDetails.payloads)
      : undefined;
    return {
      activityId: activityId ?? '',
      attempt: attempt ?? 0,
      heartbeat: isHeartbeat(details) ? details : undefined,
      lastFailure: lastFailure?.applicationFailureInfo?.type ?? undefined,
    };
  });
}
