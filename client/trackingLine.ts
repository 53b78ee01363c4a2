import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { type RunRecord, type SentTracking, trackWorkflowId } from '../contract/messages.ts';
import { pipelineId } from '../lib/tracking/trackedRuns.ts';
import { liveStages } from './runProgress.ts';

/** Trackers of one run: more than one where a reset or a person ended the first. */
const mostTrackers = 10;

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
  return last.doing ? `W&B: not all there yet: ${last.doing}; ${sync}` : 'W&B: what there is to show so far is there';
}

async function lastTracker(client: Client, { workflowId, runId }: RunRecord['run']) {
  const { raw } = await client.workflow.getHandle(workflowId, runId).describe();
  const firstRunId = raw.workflowExecutionInfo?.firstRunId || runId;
  let last: { workflowId: string; runId: string; status: string; doing: string | undefined } | undefined;
  for (let number = 1; number <= mostTrackers; number++) {
    const id = trackWorkflowId(workflowId, firstRunId, number);
    try {
      const found = await client.workflow.getHandle(id).describe();
      const [sending] = liveStages(found, Date.now()).values();
      const doing = sending && (sending.lastFailure ?? sending.heartbeat?.doing ?? 'starting');
      last = { workflowId: id, runId: found.runId, status: found.status.name, doing };
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return last;
      throw error;
    }
  }
  return last;
}
