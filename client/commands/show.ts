import { FurrowError } from '../../contract/errors.ts';
import type { RunRecord } from '../../contract/messages.ts';
import { runPage } from '../../lib/connection/connection.ts';
import { connect } from '../connect.ts';
import { findRun } from '../findRun.ts';
import { exitCodes, type Output, shortNumber } from '../output.ts';
import { liveText, stageLine } from '../progressLines.ts';
import { lookAtRun, type RunLook, waitingLine } from '../runProgress.ts';

/** `furrow show [RUN]`: a run with its stages, as it stands. An ended one needs no worker: its record is in the store. */
export async function show(name: string | undefined, output: Output): Promise<number> {
  const { client, target } = await connect();
  const { workflowId, runId } = await findRun(client, name);
  const look = await lookAtRun({ client, namespace: target.namespace, workflowId, runId });
  const page = target.ui && runPage(target.ui, target.namespace, workflowId, runId);
  const { record, live, waiting } = look;
  if (!record) throw new FurrowError('WORKER_LOST', unknownText(workflowId, look));
  output.answer({ ...record, live: Object.fromEntries(live), waiting, ...(page && { page }) }, () => [
    `${[record.run.pipeline, workflowId].filter(Boolean).join(' ')}: ${record.status}, started ${record.startedAt}`,
    ...record.stages.flatMap((stage) => {
      const state = live.get(stage.activityId ?? '');
      return [stageLine(stage), ...(state ? [`    ${liveText(stage, state)}`] : [])];
    }),
    ...waiting.map(waitingLine),
    ...endLines(record),
    ...(page ? [`Temporal UI: ${page}`] : []),
  ]);
  return exitCodes.ok;
}

function unknownText(workflowId: string, { waiting }: RunLook): string {
  return [`No worker answers for ${workflowId}, and it has saved nothing yet`, ...waiting.map(waitingLine)].join('\n');
}

function endLines(record: RunRecord): string[] {
  return [
    ...(record.headline ? [`${record.headline.name}: ${shortNumber(record.headline.value)}`] : []),
    ...(record.failure ? [`${record.failure.code}: ${record.failure.message}`, record.failure.action] : []),
  ];
}
