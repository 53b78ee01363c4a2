import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { FurrowError } from '../../contract/errors.ts';
import { type TrainPipelineInput, workflowType } from '../../contract/messages.ts';
import { mainQueue } from '../../contract/queues.ts';
import { parseSet } from '../../lib/config/overrides.ts';
import { formatProblem } from '../../lib/config/problem.ts';
import { runPage } from '../../lib/connection/connection.ts';
import { openStore } from '../../lib/store/store.ts';
import { connect } from '../connect.ts';
import { follow } from '../follow.ts';
import { exitCodes, type Output } from '../output.ts';
import { readPipeline } from '../pipelineFile.ts';
import { ensureUp } from './up.ts';

export interface RunOptions {
  readonly set: string[];
  readonly cache: boolean;
  readonly refresh: string[];
  readonly detach?: boolean;
  readonly id?: string;
}

/** `furrow run [FILE]`: checks the file, starts the run, follows it to its end. */
export async function run(file: string | undefined, options: RunOptions, output: Output): Promise<number> {
  const set = parseSet(options.set);
  const { content, outcome } = await readPipeline(file, set);
  if (!outcome.ok) throw new FurrowError('CONFIG_INVALID', outcome.problems.map(formatProblem).join('\n'));
  const { pipeline } = outcome;
  const unknown = options.refresh.filter((name) => !pipeline.stages.some((stage) => stage.name === name));
  if (unknown.length > 0)
    throw new FurrowError('CONFIG_INVALID', `--refresh: the pipeline has no stage ${unknown.join(', ')}`);
  await ensureUp(output);
  const [{ client, target }, store] = await Promise.all([
    connect(),
    openStore(pathToFileURL(resolve(pipeline.store)).href, { create: true }),
  ]);
  const input: TrainPipelineInput = {
    config: content,
    store: store.location,
    ...(options.set.length > 0 && { set }),
    ...(!options.cache && { noCache: true }),
    ...(options.refresh.length > 0 && { refresh: options.refresh }),
  };
  const handle = await client.workflow.start(workflowType, {
    args: [input],
    taskQueue: mainQueue,
    workflowId: options.id ?? `${pipeline.name}-${randomUUID().slice(0, 8)}`,
    staticSummary: `${pipeline.name} (${content.file})`,
  });
  const runId = handle.firstExecutionRunId;
  const page = target.ui && runPage(target.ui, target.namespace, handle.workflowId, runId);
  output.say(`Run ${handle.workflowId}${page ? `  ${page}` : ''}`);
  if (options.detach) {
    output.answer({ workflowId: handle.workflowId, runId, ...(page && { page }) }, () => [
      `furrow watch ${handle.workflowId}`,
    ]);
    return exitCodes.ok;
  }
  return follow({ client, target, workflowId: handle.workflowId, runId }, output);
}
