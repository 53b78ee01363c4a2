import type { Client } from '@temporalio/client';
import { isOpen, type RunRecord, type SentTracking } from '../contract/messages.ts';
import { pipelineId } from '../lib/tracking/trackedRuns.ts';
import { lastTracker } from './tracker.ts';

/** Where a run is shown at W&B, or why it is not yet; undefined for one that is not tracked. */
export async function trackingLine(client: Client, record: RunRecord): Promise<string | undefined> {
  const { tracking, run } = record;
  if (!tracking) return undefined;
  if (tracking.mode === 'disabled') return tracking.notice;
  const sync = `\`furrow tracking sync ${run.workflowId}\` sends it from here`;
  const last = await lastTracker(client, run);
  if (!last) return tracking.notice ?? 'W&B: nothing to show yet';
  if (last.status === 'COMPLETED') {
    const { places } = (await client.workflow.getHandle(last.workflowId, last.runId).result()) as SentTracking;
    const place = places[pipelineId(run)];
    return place ? `W&B: ${place}` : undefined;
  }
  if (last.status !== 'RUNNING') return `W&B: not sent; ${sync}`;
  if (last.waits) return `W&B: not all there yet: ${last.waits}; ${sync}`;
  return last.isSending || !isOpen(record.status)
    ? `W&B: being sent; \`furrow show ${run.workflowId}\` says where it is`
    : 'W&B: what there is to show so far is there';
}
