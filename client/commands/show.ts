import type { RunRecord } from '../../contract/messages.ts';
import { runPage } from '../../lib/connection/connection.ts';
import { connect } from '../connect.ts';
import { findRun } from '../findRun.ts';
import { exitCodes, type Output, shortNumber } from '../output.ts';
import { liveText, stageLine } from '../progressLines.ts';
import { liveStages, runProgress, unpolledQueues } from '../runProgress.ts';

/** `furrow show [RUN]`: a run with its stages, as it stands. */
export async function show(name: string | undefined, output: Output): Promise<number> {
  const { client, target } = await connect();
  const { workflowId, runId } = await findRun(client, name);
  const record = await runProgress(client.workflow.getHandle(workflowId, runId));
  const live = await liveStages(client, workflowId, runId);
  const waiting = record.stages.filter((stage) => live.get(stage.activityId ?? '')?.waitsFor !== undefined);
  const unpolled = await unpolledQueues(
    client,
    target.namespace,
    waiting.map((stage) => stage.queue),
  );
  const page = target.ui && runPage(target.ui, target.namespace, workflowId, runId);
  output.answer({ ...record, live: Object.fromEntries(live), unpolledQueues: unpolled, ...(page && { page }) }, () => [
    `${record.run.pipeline} ${workflowId}: ${record.status}, started ${record.startedAt}`,
    ...record.stages.flatMap((stage) => {
      const state = live.get(stage.activityId ?? '');
      return [stageLine(stage), ...(state ? [`    ${liveText(stage, state)}`] : [])];
    }),
    ...unpolled.map((queue) => `No worker polls queue ${queue}; start one: furrow worker --queues ${queue}`),
    ...endLines(record),
    ...(page ? [`Temporal UI: ${page}`] : []),
  ]);
  return exitCodes.ok;
}

function endLines(record: RunRecord): string[] {
  return [
    ...(record.headline ? [`${record.headline.name}: ${shortNumber(record.headline.value)}`] : []),
    ...(record.failure ? [`${record.failure.code}: ${record.failure.message}`, record.failure.action] : []),
  ];
}
