import { randomUUID } from 'node:crypto';
import type { OnFailure } from '../../contract/config.ts';
import type { TrainPipelineRequest } from '../../contract/messages.ts';
import { parseSet } from '../../lib/config/overrides.ts';
import { openStore, storeUri } from '../../lib/store/store.ts';
import { connect } from '../connect.ts';
import { ensureUp } from '../embedded.ts';
import { type Output, UsageError } from '../output.ts';
import { readPipeline, tellProblems } from '../pipelineFile.ts';
import { startRun } from '../startRun.ts';

export interface RunOptions {
  /** `path=value`, as written. */
  readonly set?: readonly string[];
  /** False: every stage runs. */
  readonly cache?: boolean;
  readonly refresh?: readonly string[];
  readonly onFailure?: OnFailure;
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
  const [connected, store] = await Promise.all([
    connect(),
    openStore(storeUri(pipeline.store, process.cwd()), { create: true }),
  ]);
  const input: TrainPipelineRequest = {
    config: content,
    store: store.location,
    ...(Object.keys(set).length > 0 && { set }),
    ...(options.cache === false && { noCache: true }),
    ...(refresh.length > 0 && { refresh }),
    ...(options.onFailure && { onFailure: options.onFailure }),
  };
  const workflowId = options.id ?? `${pipeline.name}-${randomUUID().slice(0, 8)}`;
  const { detachedLines, leave } = options;
  return startRun(
    connected,
    {
      workflowId,
      summary: `${pipeline.name} (${content.file})`,
      input,
      detach: options.detach ?? false,
      following: { ...(detachedLines && { detachedLines }), ...(leave && { leave }) },
    },
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
