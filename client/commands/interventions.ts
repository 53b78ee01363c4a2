/** `furrow approve`, `pause` and `resume`: what a person says to a run that goes on. */
import { updateNames } from '../../contract/messages.ts';
import { exitCodes, type Output, UsageError } from '../output.ts';
import { ask, openRun, recordOf } from '../runHandle.ts';

/** Lets a stage with `approval: true` start; without a name, the one that waits. */
export async function approve(name: string | undefined, stage: string | undefined, output: Output): Promise<number> {
  const run = await openRun(name);
  const { stages } = await recordOf(run);
  const waiting = stages.filter(({ status }) => status === 'held');
  const chosen = stage === undefined ? waiting : stages.filter((candidate) => candidate.name === stage);
  const [one] = chosen;
  if (!one && stage !== undefined)
    throw new UsageError(
      `${run.workflowId} has no stage ${stage}`,
      `Its stages: ${stages.map((each) => each.name).join(', ')}.`,
    );
  if (!one)
    throw new UsageError(`No stage of ${run.workflowId} waits for approval`, 'Name the stage to approve it ahead.');
  if (chosen.length > 1)
    throw new UsageError(
      `Several stages wait for approval`,
      `Name one: ${chosen.map((each) => each.name).join(', ')}.`,
    );
  await ask(run, updateNames.approve, { stage: one.name, replay: one.replay });
  output.answer({ workflowId: run.workflowId, runId: run.runId, approved: one.name }, () => [
    `Approved ${one.name} of ${run.workflowId}`,
    `furrow watch ${run.workflowId} follows it.`,
  ]);
  return exitCodes.ok;
}

export async function pause(name: string | undefined, output: Output): Promise<number> {
  const run = await openRun(name);
  const { stages } = await ask(run, updateNames.pause);
  output.answer({ workflowId: run.workflowId, runId: run.runId, status: 'paused', stages }, () => [
    `Paused ${run.workflowId}: nothing more starts${stages.length > 0 ? `; ${stages.join(', ')}: a training stops at a checkpoint within seconds, what is short goes on to its end` : ''}`,
    `furrow resume ${run.workflowId} lets it go on.`,
  ]);
  return exitCodes.ok;
}

export async function resume(name: string | undefined, output: Output): Promise<number> {
  const run = await openRun(name);
  await ask(run, updateNames.resume);
  output.answer({ workflowId: run.workflowId, runId: run.runId, status: 'running' }, () => [
    `${run.workflowId} goes on`,
    `furrow watch ${run.workflowId} follows it.`,
  ]);
  return exitCodes.ok;
}
