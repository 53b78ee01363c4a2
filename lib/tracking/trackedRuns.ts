/** What a tracker is told of Furrow's runs: one run for each training, and one for the pipeline's run as a whole. */
import { createHash } from 'node:crypto';
import type { Digest, RuntimeClass } from '../../contract/artifact.ts';
import type { JsonObject } from '../../contract/json.ts';
import { isOpen, type RunIdentity, type RunRecord, type StageState } from '../../contract/messages.ts';
import type { Tracking } from '../../contract/tracking.ts';
import type { HistoryRow, TrackedRun, TrackedState } from './trackedRun.ts';

export interface Around {
  readonly tracking: Pick<Tracking, 'project' | 'entity' | 'tags' | 'notes'>;
  readonly commit?: string | undefined;
  /** The Temporal UI's page of a run, where it is known. */
  page?(run: RunIdentity): string | undefined;
}

export interface Training {
  /** The run that it was made in. */
  readonly run: RunIdentity;
  /** As that run names it. */
  readonly stage: string;
  readonly replay: number;
  readonly params: JsonObject;
  readonly seed: number;
  readonly fingerprint: Digest;
  /** Digests of what it learns from, by role or stage. */
  readonly inputs: Readonly<Record<string, Digest>>;
  readonly startedAt: string;
  readonly state: TrackedState;
  /** Once it is finished. */
  readonly result?: {
    readonly key: Digest;
    readonly model: Digest;
    readonly runtime: RuntimeClass;
    readonly metrics: Readonly<Record<string, number>>;
    readonly facts: JsonObject;
    readonly seconds: number;
  };
  readonly failure?: string;
}

/**
 * A training goes by the run that made it, so that who finds its result again shows that very run; a replay is another one, as what
 * it was told may be.
 */
export function trainingId({ runId }: RunIdentity, stage: string, replay: number): string {
  return shortId(`training ${runId} ${stage} ${replay}`);
}

export function pipelineId({ runId }: RunIdentity): string {
  return shortId(`pipeline ${runId}`);
}

/** Sixteen of 36 signs: none meets another. */
function shortId(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex').slice(0, 24);
  return BigInt(`0x${hex}`).toString(36).padStart(19, '0').slice(-16);
}

export function trackedTraining(training: Training, around: Around): TrackedRun {
  const { run, stage, replay, params, seed, state, result, failure, startedAt } = training;
  return {
    ...sharedOf(run, around),
    id: trainingId(run, stage, replay),
    name: `${run.workflowId}/${stage}${replay > 0 ? ` (retry ${replay})` : ''}`,
    jobType: 'train',
    startedAt,
    state,
    config: {
      ...params,
      seed,
      furrow: {
        ...identity(run),
        stage,
        code: training.fingerprint,
        inputs: training.inputs,
        ...(result && { key: result.key, runtime: { ...result.runtime } }),
      },
    },
    summary: {
      ...(result && {
        ...prefixed('final', result.metrics),
        ...textsAndNumbers(result.facts),
        model_digest: result.model,
        seconds: result.seconds,
      }),
      ...(failure !== undefined && { failure }),
    },
  };
}

/** @param over it goes on no more, whatever its record says */
export function trackedPipeline(record: RunRecord, around: Around, over: boolean): TrackedRun {
  const { run, config, stages, headline, failure, startedAt } = record;
  return {
    ...sharedOf(run, around),
    id: pipelineId(run),
    name: run.workflowId,
    jobType: 'pipeline',
    startedAt,
    state: isOpen(record.status) ? (over ? 'crashed' : 'running') : (record.status as TrackedState),
    config: {
      seed: record.seed ?? 0,
      stages: Object.fromEntries((config?.stages ?? []).map((stage) => [stage.name, { ...stage.with }])),
      furrow: {
        ...identity(run),
        code: record.code ?? '',
        config: record.configDigest ?? '',
        store: record.store?.uri ?? '',
        packages: { ...record.packages },
      },
    },
    summary: {
      status: record.status,
      ...(headline && { [headline.name]: headline.value }),
      ...Object.assign({}, ...stages.map(stageValues)),
      ...digestsOf(stages),
      ...(failure && { failure: `${failure.code}: ${failure.message}` }),
    },
  };
}

/** One row for each stage that is done, in the order in which they ended. */
export function pipelineRows({ stages, startedAt }: RunRecord): HistoryRow[] {
  const start = Date.parse(startedAt);
  const ended = stages.filter(isDone).sort((a, b) => endOf(a) - endOf(b));
  return ended.map((stage, index) => ({
    _step: index,
    _timestamp: endOf(stage) / 1000,
    _runtime: Math.max(0, endOf(stage) - start) / 1000,
    stage: stage.name,
    ...stageValues(stage),
  }));
}

export function isDone({ status }: StageState): boolean {
  return status === 'finished' || status === 'cached';
}

function endOf({ endedAt }: StageState): number {
  return Date.parse(endedAt ?? '');
}

function sharedOf(run: RunIdentity, { tracking, commit, page }: Around) {
  const { project, entity, tags, notes } = tracking;
  const address = page?.(run);
  return {
    project,
    ...(entity && { entity }),
    group: run.pipeline,
    tags,
    notes: [
      ...(notes ? [notes] : []),
      `Temporal workflow ${run.workflowId}, run ${run.runId}`,
      ...(address ? [address] : []),
    ].join('\n'),
    ...(commit && { commit }),
  };
}

function identity({ pipeline, workflowId, runId }: RunIdentity): JsonObject {
  return { pipeline, workflow_id: workflowId, run_id: runId };
}

/** What a stage shows of itself: `evaluate/test_mae`, and whether it was found. */
function stageValues({ name, status, metrics = {}, provenance }: StageState): JsonObject {
  if (status === 'waiting' || status === 'skipped') return {};
  return {
    [`${name}/state`]: status,
    ...prefixed(name, metrics),
    ...(provenance && { [`${name}/seconds`]: provenance.seconds }),
  };
}

/** Dataset, model and image by the names that the rest of Furrow has for them. */
function digestsOf(stages: readonly StageState[]): JsonObject {
  const source = stages.find((stage) => stage.source)?.source;
  const registered = stages.find(({ artifact }) => artifact?.kind === 'model-version');
  const image = stages.find(({ artifact }) => artifact?.kind === 'image')?.facts;
  return {
    ...(source && { dataset: source.digest }),
    ...(registered?.facts && { model: `${registered.facts.model}:${registered.facts.version}` }),
    ...(registered?.artifact && { model_digest: registered.artifact.digest }),
    ...(typeof image?.image === 'string' && { image: image.image }),
  };
}

function prefixed(prefix: string, values: Readonly<Record<string, number>>): JsonObject {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}/${name}`, value]));
}

function textsAndNumbers(facts: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => ['string', 'number'].includes(typeof value)));
}
