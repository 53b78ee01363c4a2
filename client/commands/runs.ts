import { workflowType } from '../../contract/messages.ts';
import { connect } from '../connect.ts';
import { exitCodes, type Output, shortNumber, table } from '../output.ts';

interface ListedRun {
  readonly workflowId: string;
  readonly runId: string;
  readonly pipeline: string;
  readonly status: string;
  readonly startedAt: string;
  readonly seconds?: number;
  readonly metric?: number;
  readonly model?: string;
  readonly dataset?: string;
}

/** `furrow runs`: what ran and runs, newest first, from Temporal's own list. */
export async function runs(options: { limit: number; pipeline?: string }, output: Output): Promise<number> {
  const { client } = await connect();
  const filter = options.pipeline ? ` AND FurrowPipeline = '${options.pipeline.replaceAll("'", '')}'` : '';
  const found: ListedRun[] = [];
  for await (const info of client.workflow.list({ query: `WorkflowType = '${workflowType}'${filter}` })) {
    if (found.length >= options.limit) break;
    const text = (name: string) => String((info.searchAttributes as Record<string, unknown[]>)[name]?.[0] ?? '');
    found.push({
      workflowId: info.workflowId,
      runId: info.runId,
      pipeline: text('FurrowPipeline'),
      status: info.status.name.toLowerCase(),
      startedAt: info.startTime.toISOString(),
      ...(info.closeTime && { seconds: (info.closeTime.getTime() - info.startTime.getTime()) / 1000 }),
      ...(text('FurrowMetric') && { metric: Number(text('FurrowMetric')) }),
      ...(text('FurrowModel') && { model: text('FurrowModel') }),
      ...(text('FurrowDataset') && { dataset: text('FurrowDataset') }),
    });
  }
  output.answer(found, () =>
    found.length === 0
      ? ['No run yet; `furrow run` starts one']
      : table([
          ['RUN', 'STATUS', 'STARTED', 'SECONDS', 'METRIC', 'MODEL'],
          ...found.map((run) => [
            run.workflowId,
            run.status,
            run.startedAt.slice(0, 19).replace('T', ' '),
            run.seconds?.toFixed(1) ?? '',
            run.metric === undefined ? '' : shortNumber(run.metric),
            run.model ?? '',
          ]),
        ]),
  );
  return exitCodes.ok;
}
