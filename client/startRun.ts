import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { type TrainPipelineRequest, workflowType } from '../contract/messages.ts';
import { mainQueue } from '../contract/queues.ts';
import { runPage } from '../lib/connection/connection.ts';
import type { Connected } from './connect.ts';
import { type FollowedRun, follow } from './follow.ts';
import { exitCodes, type Output, UsageError } from './output.ts';

export interface StartOptions {
  readonly workflowId: string;
  /** A line in lists of runs. */
  readonly summary: string;
  readonly input: TrainPipelineRequest;
  /** Returns when the run has started. */
  readonly detach: boolean;
  readonly following?: Pick<FollowedRun, 'detachedLines' | 'leave'>;
}

/** Starts a run, and follows it unless told otherwise. */
export async function startRun(
  { client, target }: Connected,
  { workflowId, summary, input, detach, following = {} }: StartOptions,
  output: Output,
): Promise<number> {
  const { firstExecutionRunId: runId } = await client.workflow
    .start(workflowType, { args: [input], taskQueue: mainQueue, workflowId, staticSummary: summary })
    .catch((error: unknown) => {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      throw new UsageError(`A run ${workflowId} goes on already`, `furrow watch ${workflowId} follows it.`);
    });
  return followStarted({ client, target, workflowId, runId, ...following }, detach, output);
}

/** Says which run it is, then follows it, or leaves it. */
export async function followStarted(run: FollowedRun, detach: boolean, output: Output): Promise<number> {
  const { target, workflowId, runId } = run;
  const page = target.ui && runPage(target.ui, target.namespace, workflowId, runId);
  output.say(`Run ${workflowId}${page ? `  ${page}` : ''}`);
  if (!detach) return follow(run, output);
  output.answer({ workflowId, runId, status: 'running', ...(page && { page }) }, () => [
    `furrow watch ${workflowId} follows it, furrow show ${workflowId} says where it is.`,
  ]);
  return exitCodes.ok;
}
