import type { Client } from '@temporalio/client';
import type { ArtifactFile } from '../../contract/artifact.ts';
import type { RunRecord } from '../../contract/messages.ts';
import { fetchData } from '../../contract/stages/fetchData.ts';
import { type PreprocessParams, preprocess } from '../../contract/stages/preprocess.ts';
import {
  type Dataset,
  type Difference,
  describeDataset,
  diffDatasets,
  type PlotNames,
} from '../../lib/data/dataset.ts';
import { openArtifact } from '../../lib/store/artifacts.ts';
import { readBlobWhole } from '../../lib/store/blobs.ts';
import { openStoreAt, type Store } from '../../lib/store/store.ts';
import { connect } from '../connect.ts';
import { findRun, newestRuns, noRunYet } from '../findRun.ts';
import { attachments, type Finished, finishedStage } from '../finishedStage.ts';
import { exitCodes, type Output, UsageError } from '../output.ts';
import { lookAtRun } from '../runProgress.ts';

export interface DataOptions {
  /** The stage that fetched; needed where a pipeline fetches from several sources. */
  readonly stage?: string;
}

/** `furrow data show [RUN]`: which version of the data a run was made of, and where it came from. */
export async function showData(name: string | undefined, options: DataOptions, output: Output): Promise<number> {
  const { client, target } = await connect();
  const { workflowId, stage, store, dataset, files } = await dataOf(client, target.namespace, name, options);
  const { plots, others } = dataset;
  // Of a result that was there already, what this run's own source said: the same contents, perhaps from elsewhere.
  const facts = { ...stage.facts, ...stage.source?.facts };
  const objects = await pinned(store, stage);
  const answer = {
    workflowId,
    stage: stage.name,
    version: facts.version,
    artifact: stage.artifact,
    facts,
    plots: [...plots.values()].map((plot) => ({ ...plot, files: plot.files.map(({ path }) => path) })),
    others: others.map(({ path }) => path),
    files,
    ...(objects === undefined ? {} : { objects }),
  };
  output.answer(answer, () => [
    `${stage.name} of ${workflowId}`,
    ...Object.entries(facts).map(([fact, value]) => `  ${fact.padEnd(12)} ${factText(fact, value)}`),
    `  ${'plots'.padEnd(12)} ${plots.size}${splitText(dataset)}`,
    ...(others.length > 0 ? [`  ${'other files'.padEnd(12)} ${shown(others.map(({ path }) => path))}`] : []),
    ...(objects === undefined
      ? []
      : [
          `\`furrow get ${stage.name} -r ${workflowId}\` copies the files, with source.json: each with where it came from.`,
        ]),
  ]);
  return exitCodes.ok;
}

/** `furrow data diff A [B]`: which plots B has that A had not, which are gone, and which are others. */
export async function diffData(
  before: string | undefined,
  now: string | undefined,
  options: DataOptions,
  output: Output,
): Promise<number> {
  const { client, target } = await connect();
  const [a, b] = await twoRuns(client, before, now);
  const old = await dataOf(client, target.namespace, a, options);
  const fresh = await dataOf(client, target.namespace, b, options);
  const differences = diffDatasets(old.dataset, fresh.dataset);
  const end = ({ workflowId, stage }: RunData) => ({ workflowId, stage: stage.name, version: stage.facts?.version });
  const same = old.stage.artifact.digest === fresh.stage.artifact.digest;
  output.answer({ before: end(old), now: end(fresh), same, ...differences }, () =>
    same
      ? [`${old.workflowId} and ${fresh.workflowId} were made of the same data: ${fresh.dataset.plots.size} plots`]
      : [
          `from ${old.workflowId} to ${fresh.workflowId}`,
          ...lines(differences.plots, 'plots'),
          ...lines(differences.others, 'other files'),
        ],
  );
  return exitCodes.ok;
}

interface RunData {
  readonly workflowId: string;
  readonly stage: Finished;
  readonly store: Store;
  readonly files: readonly ArtifactFile[];
  readonly dataset: Dataset;
}

async function dataOf(
  client: Client,
  namespace: string,
  name: string | undefined,
  options: DataOptions,
): Promise<RunData> {
  const run = await findRun(client, name);
  const { record } = await lookAtRun({ client, namespace, ...run });
  const stage = finishedStage(record, options.stage ?? fetchingStage(record, run.workflowId), run.workflowId);
  const store = await openStoreAt(stage.store);
  const files = await openArtifact(store, stage.artifact).files();
  return {
    workflowId: run.workflowId,
    stage,
    store,
    files,
    dataset: describeDataset(files, plotNames(record, stage.name)),
  };
}

function fetchingStage(record: RunRecord | undefined, workflowId: string): string {
  const names = (record?.stages ?? []).filter(({ uses }) => uses === fetchData.name).map(({ name }) => name);
  const [only] = names;
  if (only !== undefined && names.length === 1) return only;
  throw names.length === 0
    ? new UsageError(`${workflowId} fetches no data`, 'Name a run with a `fetchData` stage; `furrow runs` lists them.')
    : new UsageError(`${workflowId} fetches data in ${names.join(', ')}`, 'Say which with --stage.');
}

/** As the stage that reads them was told, if there is one. */
function plotNames(record: RunRecord | undefined, stage: string): PlotNames | undefined {
  const reader = record?.config?.stages.find(({ uses, needs }) => uses === preprocess.name && needs.includes(stage));
  return reader && (preprocess.params.parse(reader.with) as PreprocessParams);
}

async function pinned(store: Store, stage: Finished): Promise<unknown> {
  const noted = async () => (await attachments(store, stage)).find(({ path }) => path === 'source.json')?.digest;
  const digest = stage.source?.pins ?? (await noted());
  return digest && JSON.parse(Buffer.from(await readBlobWhole(store, digest)).toString('utf8'));
}

/** The newest run, and the one before it of the same pipeline, where they are not named. */
async function twoRuns(
  client: Client,
  before: string | undefined,
  now: string | undefined,
): Promise<readonly [string, string | undefined]> {
  if (before !== undefined) return [before, now];
  const [newest, ...earlier] = await newestRuns(client, [], 1000);
  if (!newest) throw noRunYet();
  const pipeline = (run: typeof newest) => String(run.searchAttributes?.FurrowPipeline ?? '');
  const previous = earlier.find((run) => pipeline(run) === pipeline(newest));
  if (previous) return [previous.workflowId, newest.workflowId];
  throw new UsageError(
    `${newest.workflowId} is the first run of its pipeline`,
    'Name two runs; `furrow runs` lists them.',
  );
}

function factText(fact: string, value: unknown): string {
  return typeof value === 'number' && /bytes$/i.test(fact)
    ? `${value} (${(value / 1e6).toFixed(1)} MB)`
    : String(value);
}

function splitText({ plots }: Dataset): string {
  const counts = new Map<string, number>();
  for (const { folder } of plots.values()) if (folder) counts.set(folder, (counts.get(folder) ?? 0) + 1);
  return counts.size > 0 ? ` (${[...counts].map(([folder, count]) => `${folder}: ${count}`).join(', ')})` : '';
}

function lines({ added, removed, changed, same }: Difference, what: string): string[] {
  if (added.length + removed.length + changed.length + same === 0) return [];
  const moves = changed.map(({ name, files, moved }) =>
    moved
      ? `  ~ ${name}: in ${moved.to ?? 'no split'} instead of ${moved.from ?? 'no split'}`
      : `  ~ ${name}: ${shown(files)}`,
  );
  return [
    `${what}: ${added.length} added, ${removed.length} removed, ${changed.length} changed, ${same} the same`,
    ...added.map((name) => `  + ${name}`),
    ...removed.map((name) => `  - ${name}`),
    ...moves,
  ];
}

const mostShown = 6;

function shown(names: readonly string[]): string {
  const more = names.length - mostShown;
  return names.slice(0, mostShown).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
