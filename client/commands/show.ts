import type { RunRecord } from '../../contract/messages.ts';
import { nextSteps } from '../../contract/nextSteps.ts';
import { exitCodes, type Output, shortNumber } from '../output.ts';
import { liveText, stageLine } from '../progressLines.ts';
import { nextLines, stageFailureLines } from '../runFailure.ts';
import { openRun, recordOf } from '../runHandle.ts';
import { waitingLine } from '../runProgress.ts';
import { trackingLine } from '../trackingLine.ts';

/** `furrow show [RUN]`: a run with its stages, as it stands. An ended one needs no worker: its record is in the store. */
export async function show(name: string | undefined, output: Output): Promise<number> {
  const run = await openRun(name);
  const { live, waiting, record = await recordOf(run) } = await run.look();
  const { page, workflowId } = run;
  const wandb = await trackingLine(run.client, record).catch(() => undefined);
  const next = nextSteps(record);
  const shown = {
    ...record,
    live: Object.fromEntries(live),
    waiting,
    next,
    ...(page && { page }),
    ...(wandb && { wandb }),
  };
  output.answer(shown, () => [
    `${[record.run.pipeline, workflowId].filter(Boolean).join(' ')}: ${statusText(record)}, started ${record.startedAt}`,
    ...(record.notice ? [record.notice] : []),
    ...record.stages.flatMap((stage) => {
      const state = live.get(stage.activityId ?? '');
      const notice = stage.notice ? [`    ${stage.notice}`] : [];
      return [stageLine(stage, 'code'), ...notice, ...(state ? [`    ${liveText(stage, state)}`] : [])];
    }),
    ...waiting.map(waitingLine),
    ...endLines(record),
    ...nextLines(record),
    ...(wandb ? [wandb] : []),
    ...(page ? [`Temporal UI: ${page}`] : []),
  ]);
  return exitCodes.ok;
}

function statusText({ status, heldUntil }: RunRecord): string {
  return heldUntil ? `${status} until ${heldUntil}` : status;
}

function endLines(record: RunRecord): string[] {
  const ofStages = stageFailureLines(record);
  const ofRun = record.failure ? [`${record.failure.code}: ${record.failure.message}`, record.failure.action] : [];
  return [
    ...(record.headline ? [`${record.headline.name}: ${shortNumber(record.headline.value)}`] : []),
    ...(ofStages.length > 0 ? ofStages : ofRun),
  ];
}
