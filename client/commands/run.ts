import { randomUUID } from 'node:crypto';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { type TrainPipelineInput, workflowType } from '../../contract/messages.ts';
import { mainQueue } from '../../contract/queues.ts';
import { parseSet } from '../../lib/config/overrides.ts';
import { runPage } from '../../lib/connection/connection.ts';
import { openStore, storeUri } from '../../lib/store/store.ts';
import { connect } from '../connect.ts';
import { ensureUp } from '../embedded.ts';
import { follow } from '../follow.ts';
import { exitCodes, type Output, UsageError } from '../output.ts';
import { readPipeline, tellProblems } from '../pipelineFile.ts';

export interface RunOptions {
  /** `path=value`, as written. */
  readonly set?: readonly string[];
  /** False: every stage runs. */
  readonly cache?: boolean;
  readonly refresh?: readonly string[];
  readonly detach?: boolean;
  readonly id?: string;
  /** What Ctrl-C leaves behind, where it is not the usual. */
  readonly detachedLines?: readonly string[];
  /** Detaches as Ctrl-C does. */
  readonly leave?: AbortSignal;
  /** Changes the text of the file before it is read. */
  readonly edit?: (text: string) => string;
}

/** `furrow run [FILE]`: checks the file, starts the run, follows it to its end. */
export async function run(file: string | undefined, options: RunOptions, output: Output): Promise<number> {
  const { refresh = [] } = options;
  const set = parseSet(options.set ?? []);
  const { content, outcome } = await readPipeline(file, set, options.edit);
  if (!outcome.ok) {
    output.say('Nothing was started:');
    return tellProblems(content, outcome.problems, output);
  }
  const { pipeline } = outcome;
  refuseUnknownStages(
    refresh,
    pipeline.stages.map((stage) => stage.name),
  );
  await ensureUp(output);
  const [{ client, target }, store] = await Promise.all([
    connect(),
    openStore(storeUri(pipeline.store, process.cwd()), { create: true }),
  ]);
  const input: TrainPipelineInput = {
    config: content,
    store: store.location,
    ...(Object.keys(set).length > 0 && { set }),
    ...(options.cache === false && { noCache: true }),
    ...(refresh.length > 0 && { refresh }),
  };
  const workflowId = options.id ?? `${pipeline.name}-${randomUUID().slice(0, 8)}`;
  const { firstExecutionRunId: runId } = await client.workflow
    .start(workflowType, {
      args: [input],
      taskQueue: mainQueue,
      workflowId,
      staticSummary: `${pipeline.name} (${content.file})`,
    })
    .catch((error: unknown) => {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      throw new UsageError(`A run ${workflowId} goes on already`, `furrow watch ${workflowId} follows it.`);
    });
  const page = target.ui && runPage(target.ui, target.namespace, workflowId, runId);
  output.say(`Run ${workflowId}${page ? `  ${page}` : ''}`);
  if (options.detach) {
    output.answer({ workflowId, runId, status: 'running', ...(page && { page }) }, () => [
      `furrow watch ${workflowId} follows it, furrow show ${workflowId} says where it is.`,
    ]);
    return exitCodes.ok;
  }
  const { detachedLines, leave } = options;
  return follow(
    { client, target, workflowId, runId, ...(detachedLines && { detachedLines }), ...(leave && { leave }) },
    output,
  );
}

function refuseUnknownStages(refresh: readonly string[], known: readonly string[]): void {
  const unknown = refresh.filter((name) => !known.includes(name));
  if (unknown.length === 0) return;
  throw new UsageError(
    `--refresh: the pipeline has no stage ${unknown.join(', ')}`,
    `Its stages: ${known.join(', ')}.`,
  );
}
