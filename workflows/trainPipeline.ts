import {
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  defineQuery,
  isCancellation,
  proxyLocalActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { ResolvedStage } from '../contract/config.ts';
import {
  type Plan,
  type PlanRequest,
  progressQuery,
  type RunRecord,
  type StageSummary,
  type TrainPipelineInput,
  type TrainPipelineRequest,
  type TrainPipelineResult,
} from '../contract/messages.ts';
import { asApplicationFailure, readFailure } from './failures.ts';
import { retryOf } from './retry.ts';
import { runDag } from './runDag.ts';
import { RunState } from './runState.ts';
import { inputsOf, runStage } from './stageRun.ts';
import { recordKeeper, showEnd, showPlan } from './visibility.ts';

export const progress = defineQuery<RunRecord>(progressQuery);

const { plan: makePlan } = proxyLocalActivities<{ plan(request: PlanRequest): Promise<Plan> }>({
  startToCloseTimeout: '2 minutes',
  summary: 'config, store and code, resolved once',
  retry: retryOf('query'),
});

/**
 * Runs a pipeline: resolves its config once, then starts each stage when what it needs is done. Finished stages are found again
 * by their keys, so a run that is started again does only what is left.
 */
export async function trainPipeline(input?: TrainPipelineInput): Promise<TrainPipelineResult> {
  const { workflowId, runId, startTime } = workflowInfo();
  const state: RunState = new RunState({ pipeline: '', workflowId, runId }, startTime, () => keeper.show());
  const keeper = recordKeeper(() => state);
  setHandler(progress, () => state.record());
  let failed: { readonly error: unknown } | undefined;
  try {
    const plan = await makePlan({ request: readInput(input) });
    state.planned(plan);
    showPlan(plan);
    await runStages(plan, state);
    state.ended('finished');
  } catch (error) {
    const cancelled = isCancellation(error) || CancellationScope.current().consideredCancelled;
    failed = { error: cancelled ? asCancellation(error) : asApplicationFailure(error, 'the run failed') };
    const { failure } = readFailure(error);
    state.ended(cancelled ? 'cancelled' : 'failed', cancelled ? undefined : failureOf(state.record(), failure));
  }
  const place = await CancellationScope.nonCancellable(() => {
    showEnd(state.record());
    return keeper.close();
  });
  if (failed) throw failed.error;
  return resultOf(state, place);
}

/** A stage may have failed before the run was cancelled: the run ends as cancelled all the same. */
function asCancellation(error: unknown): unknown {
  return isCancellation(error) ? error : new CancelledFailure('the run was cancelled');
}

async function runStages(plan: Plan, state: RunState): Promise<void> {
  const outcomes = await runDag(plan.pipeline.stages, (stage) => runOne(plan, state, stage));
  const failed = [...outcomes].filter(([, outcome]) => outcome.kind === 'failed');
  for (const [name, outcome] of outcomes) {
    if (outcome.kind === 'skipped') state.update(name, { status: 'skipped' });
  }
  // A held run would wait here for a person, with every branch that could go on at its end.
  const [first] = failed;
  if (!first) return;
  const [name, outcome] = first;
  const error = outcome.kind === 'failed' ? outcome.error : undefined;
  if (isCancellation(error)) throw error;
  const { failure } = readFailure(error);
  const others = failed.length > 1 ? ` (and ${failed.length - 1} more failed)` : '';
  throw ApplicationFailure.create({
    message: `${name}: ${failure.message}${others}`,
    type: failure.code,
    nonRetryable: true,
    details: [{ stage: name, ...failure }],
  });
}

async function runOne(plan: Plan, state: RunState, stage: ResolvedStage): Promise<void> {
  try {
    const result = await runStage(plan, state.run, stage, inputsOf(stage, state.finished), {
      started: (activityId) => state.started(stage.name, activityId),
      resolved: (source) => state.update(stage.name, { source }),
      looked: ({ key }) => state.update(stage.name, { key }),
      waits: (notice) => state.update(stage.name, { notice }),
    });
    state.done(stage.name, result);
  } catch (error) {
    if (!isCancellation(error)) state.failed(stage.name, readFailure(error).failure);
    throw error;
  }
}

function readInput(input: TrainPipelineInput): TrainPipelineRequest {
  if (input === undefined || input === null) return {};
  if (typeof input === 'string') return { config: input };
  if (typeof input === 'object' && !Array.isArray(input)) return input;
  throw ApplicationFailure.nonRetryable('Expected a path, `{"config": …, "set": {…}}` or no input', 'CONFIG_INVALID');
}

function failureOf(record: RunRecord, failure: NonNullable<RunRecord['failure']>): RunRecord['failure'] {
  const stage = record.stages.find((candidate) => candidate.status === 'failed')?.name;
  return { ...failure, ...(stage && { stage }) };
}

function resultOf(state: RunState, place: string | undefined): TrainPipelineResult {
  const record = state.record();
  const stages: Record<string, StageSummary> = {};
  for (const { name, status, artifact, metrics = {}, facts = {} } of record.stages) {
    if (artifact) stages[name] = { cached: status === 'cached', artifact, metrics, facts };
  }
  return {
    pipeline: state.run.pipeline,
    status: 'finished',
    ...(record.headline && { headline: record.headline }),
    stages,
    ...(place && { record: place }),
  };
}
