import type { RunStatus } from '../../contract/messages.ts';
import { connect } from '../connect.ts';
import { newestRuns } from '../findRun.ts';
import { exitCodes, type Output, shortNumber, table, UsageError } from '../output.ts';
import { statusOf, statusQuery } from '../runStatus.ts';

interface ListedRun {
  readonly workflowId: string;
  readonly runId: string;
  readonly pipeline: string;
  readonly status: RunStatus;
  readonly startedAt: string;
  /** Up to now for one that goes on. */
  readonly seconds: number;
  readonly metric?: number;
  readonly model?: string;
  readonly dataset?: string;
}

export interface RunsOptions {
  readonly limit: number;
  readonly pipeline?: string;
  readonly status?: RunStatus;
}

/** `furrow runs`: what ran and runs, newest first, from Temporal's own list. */
export async function runs(options: RunsOptions, output: Output): Promise<number> {
  const conditions = conditionsFor(options);
  const { client } = await connect();
  const listed = await newestRuns(client, conditions, options.limit + 1);
  const found = listed.slice(0, options.limit).map((info): ListedRun => {
    const value = (name: string) =>
      (info.searchAttributes as Record<string, readonly unknown[] | undefined>)[name]?.[0];
    const metric = value('FurrowMetric');
    const [model, dataset] = [value('FurrowModel'), value('FurrowDataset')];
    return {
      workflowId: info.workflowId,
      runId: info.runId,
      pipeline: String(value('FurrowPipeline') ?? ''),
      status: statusOf(info.status.name, value('FurrowStatus') as RunStatus | undefined),
      startedAt: info.startTime.toISOString(),
      seconds: ((info.closeTime ?? new Date()).getTime() - info.startTime.getTime()) / 1000,
      ...(typeof metric === 'number' && { metric }),
      ...(model !== undefined && { model: String(model) }),
      ...(dataset !== undefined && { dataset: String(dataset) }),
    };
  });
  const more = listed.length > found.length;
  output.answer(found, () => (found.length === 0 ? [noneLine(options)] : listLines(found, more)));
  return exitCodes.ok;
}

function conditionsFor({ pipeline, status }: RunsOptions): string[] {
  if (pipeline !== undefined && !/^[a-z0-9_-]+$/.test(pipeline))
    throw new UsageError(`No pipeline can be named \`${pipeline}\``, 'Give the `name:` of a pipeline file.');
  return [
    ...(pipeline === undefined ? [] : [`FurrowPipeline = '${pipeline}'`]),
    ...(status === undefined ? [] : [statusQuery(status)]),
  ];
}

function noneLine({ pipeline, status }: RunsOptions): string {
  if (pipeline === undefined && status === undefined) return 'No run yet; `furrow run` starts one';
  return `No ${[status, 'run', ...(pipeline === undefined ? [] : [`of ${pipeline}`])].filter(Boolean).join(' ')}`;
}

function listLines(found: readonly ListedRun[], more: boolean): string[] {
  return [
    ...table([
      ['RUN', 'PIPELINE', 'STATUS', 'STARTED (UTC)', 'SECONDS', 'METRIC', 'MODEL'],
      ...found.map((run) => [
        run.workflowId,
        run.pipeline,
        run.status,
        run.startedAt.slice(0, 19).replace('T', ' '),
        run.seconds.toFixed(1),
        run.metric === undefined ? '' : shortNumber(run.metric),
        run.model ?? '',
      ]),
    ]),
    ...(more ? [`… and older ones: --limit ${found.length * 2}`] : []),
  ];
}
