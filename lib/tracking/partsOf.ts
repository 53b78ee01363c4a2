import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArtifactRef } from '../../contract/artifact.ts';
import type { ResolvedStage } from '../../contract/config.ts';
import { FurrowError } from '../../contract/errors.ts';
import { isOpen, type RunRecord, type StageState } from '../../contract/messages.ts';
import { modelFiles } from '../../contract/model.ts';
import { openArtifact } from '../store/artifacts.ts';
import { copyBlob } from '../store/blobs.ts';
import { readFinished } from '../store/manifests.ts';
import type { Store } from '../store/store.ts';
import type { TrackedImage, TrackedRun, TrackedState } from './trackedRun.ts';
import {
  type Around,
  isDone,
  pipelineRows,
  type Training,
  trackedPipeline,
  trackedTraining,
  trainingId,
} from './trackedRuns.ts';
import type { RowsFile } from './wandb/sendTask.ts';

/** One run of a tracker, with all that it is sent. */
export interface TrackedPart {
  readonly run: TrackedRun;
  readonly rows: RowsFile;
  readonly images: readonly TrackedImage[];
  /** Another run made it, and says what it is: where the tracker has it whole, it is left. */
  readonly madeElsewhere: boolean;
}

export interface PartsRequest {
  readonly store: Store;
  readonly record: RunRecord;
  readonly around: Around;
  /** Where rows and images are put for the sending. */
  readonly folder: string;
  /** The run goes on no more. */
  readonly over: boolean;
  /** Ids of what need not be looked at. */
  readonly except: ReadonlySet<string>;
}

/**
 * What a run has to show by now, from its record and the store alone: each training that has ended, found ones as the run that they
 * come from; and the run itself, once it is over.
 */
export async function* partsOf(request: PartsRequest): AsyncGenerator<TrackedPart> {
  const { record, around, except, over } = request;
  for (const state of record.stages) {
    const stage = record.config?.stages.find(({ name }) => name === state.name);
    if (stage?.work !== 'training') continue;
    const training = trainingOf(record, stage, state);
    if (!training || except.has(trainingId(training.run, training.stage, training.replay))) continue;
    const run = trackedTraining(training, around);
    const file = await runLogOf(request, state, run.id);
    const madeElsewhere = training.run.runId !== record.run.runId;
    yield { run, rows: { file, format: 'runLog', grows: false }, images: [], madeElsewhere };
  }
  if (!over && isOpen(record.status)) return;
  const run = trackedPipeline(record, around, over);
  if (except.has(run.id)) return;
  const file = await placeFor(request, `${run.id}.jsonl`);
  const rows = pipelineRows(record);
  await writeFile(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const images: TrackedImage[] = [];
  for (const state of record.stages) {
    const row = rows.find(({ stage }) => stage === state.name);
    if (row && state.artifact?.kind === 'evaluation')
      images.push(...(await figuresOf(request, state.name, state.artifact, row._step)));
  }
  yield { run, rows: { file, format: 'history', grows: false }, images, madeElsewhere: false };
}

/** Undefined for one that has not ended. */
function trainingOf(record: RunRecord, stage: ResolvedStage, state: StageState): Training | undefined {
  const ended = endOf(state);
  if (!ended) return undefined;
  const { provenance, artifact, key, metrics = {}, facts = {}, failure } = state;
  const shared = {
    params: stage.with,
    seed: record.seed ?? 0,
    fingerprint: provenance?.fingerprint ?? state.fingerprint ?? 'sha256:',
    inputs: Object.fromEntries(
      stage.needs.flatMap((name) => {
        const made = record.stages.find((candidate) => candidate.name === name)?.artifact;
        return made ? [[name, made.digest] as const] : [];
      }),
    ),
    state: ended,
  };
  if (!isDone(state) || !provenance || !artifact || !key) {
    const startedAt = state.startedAt ?? record.startedAt;
    const why = failure && { failure: `${failure.code}: ${failure.message}` };
    return { ...shared, run: record.run, stage: state.name, replay: state.replay, startedAt, ...why };
  }
  const { workflowId, runId, startedAt, seconds, runtime, replay = 0 } = provenance;
  return {
    ...shared,
    run: { pipeline: record.run.pipeline, workflowId, runId },
    ...{ stage: provenance.stage, replay, startedAt },
    result: { key, model: artifact.digest, runtime, metrics, facts, seconds },
  };
}

/** A cancelled stage may never have started. */
function endOf({ status, startedAt }: StageState): TrackedState | undefined {
  if (status === 'finished' || status === 'cached') return 'finished';
  if (status === 'failed') return 'failed';
  return status === 'cancelled' && startedAt ? 'cancelled' : undefined;
}

/** The log that came with the result, or with the failure; an empty one where there is none any more. */
async function runLogOf(request: PartsRequest, state: StageState, id: string): Promise<string> {
  const { store } = request;
  const file = await placeFor(request, `${id}.jsonl`);
  const finished = isDone(state) && state.key ? await readFinished(store, state.key) : undefined;
  const attached = finished?.attachments.find(({ path }) => path === modelFiles.runLog);
  const log = attached ?? state.failure?.runLog;
  if (!log || !(await copied(store, log.digest, file))) await writeFile(file, '');
  return file;
}

/** @returns false where it was collected as garbage */
async function copied(store: Store, digest: ArtifactRef['digest'], file: string): Promise<boolean> {
  try {
    await copyBlob(store, digest, file);
    return true;
  } catch (error) {
    if (error instanceof FurrowError && error.code === 'BLOB_MISSING') return false;
    throw error;
  }
}

async function figuresOf(
  request: PartsRequest,
  stage: string,
  artifact: ArtifactRef,
  step: number,
): Promise<TrackedImage[]> {
  const folder = join(request.folder, stage);
  const evaluation = openArtifact(request.store, artifact);
  const figures = (await evaluation.files().catch(() => [])).filter(({ path }) => path.endsWith('.png'));
  await evaluation.materialize(folder, ({ path }) => figures.some((figure) => figure.path === path));
  return figures.map(({ path }) => {
    const name = path.replace(/^.*\/|\.png$/g, '');
    return {
      key: `${stage}/${name.replaceAll('-', '_')}`,
      step,
      file: join(folder, path),
      caption: name.replaceAll('-', ' '),
    };
  });
}

async function placeFor({ folder }: PartsRequest, name: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  return join(folder, name);
}
