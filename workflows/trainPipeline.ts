import {
  ApplicationFailure,
  allHandlersFinished,
  CancellationScope,
  CancelledFailure,
  condition,
  defineQuery,
  defineUpdate,
  isCancellation,
  proxyLocalActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import {
  type ApproveRequest,
  type Intervention,
  type Plan,
  type PlanRequest,
  progressQuery,
  type RetryRequest,
  type RunRecord,
  type StageSummary,
  type TrainPipelineInput,
  type TrainPipelineRequest,
  type TrainPipelineResult,
  updateNames,
} from '../contract/messages.ts';
import { type Conductor, conduct } from './conduct.ts';
import { asApplicationFailure, readFailure } from './failures.ts';
import { Patience } from './patience.ts';
import { refusal } from './refusal.ts';
import { retryOf } from './retry.ts';
import { RunState } from './runState.ts';
import { recordKeeper, showEnd } from './visibility.ts';

export const progress = defineQuery<RunRecord>(progressQuery);
export const retryStage = defineUpdate<Intervention, [RetryRequest?]>(updateNames.retry);
export const approve = defineUpdate<Intervention, [ApproveRequest]>(updateNames.approve);
export const pause = defineUpdate<Intervention>(updateNames.pause);
export const resume = defineUpdate<Intervention>(updateNames.resume);

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
  let conductor: Conductor | undefined;
  takeInterventions(() => {
    if (conductor) return conductor;
    throw refusal('The run has not been planned yet, or is over');
  });
  let failed: { readonly error: unknown } | undefined;
  try {
    const plan = await planned(readInput(input), state);
    state.planned(plan);
    conductor = conduct(plan, state);
    await conductor.run();
    state.ended('finished');
  } catch (error) {
    const cancelled = isCancellation(error) || CancellationScope.current().consideredCancelled;
    failed = { error: cancelled ? asCancellation(error) : asApplicationFailure(error, 'the run failed') };
    const { failure } = readFailure(error);
    state.ended(cancelled ? 'cancelled' : 'failed', cancelled ? undefined : failureOf(state.record(), failure));
  }
  conductor = undefined;
  const place = await CancellationScope.nonCancellable(async () => {
    showEnd(state.record());
    await condition(allHandlersFinished);
    return keeper.close();
  });
  if (failed) throw failed.error;
  return resultOf(state, place);
}

/** A stage may have failed before the run was cancelled: the run ends as cancelled all the same. */
function asCancellation(error: unknown): unknown {
  return isCancellation(error) ? error : new CancelledFailure('the run was cancelled');
}

/** Resolved once, before the first stage; a store that is away is waited for. */
async function planned(request: TrainPipelineRequest, state: RunState): Promise<Plan> {
  for (const patience = new Patience(); ; ) {
    try {
      return await makePlan({ request });
    } catch (error) {
      const waits = (notice: string) => state.waits(notice);
      if (isCancellation(error) || !(await patience.with(readFailure(error).failure, waits))) throw error;
    }
  }
}

/** What a person may ask of the run, as Temporal updates: checked before they enter history. */
function takeInterventions(conductor: () => Conductor): void {
  setHandler(retryStage, (request = {}) => conductor().retry(request), {
    validator: (request = {}) => conductor().checkRetry(request),
    description: 'replay what has failed, and what depends on it',
  });
  setHandler(approve, (request) => conductor().approve(request), {
    validator: (request) => conductor().checkApprove(request),
    description: 'let a stage with `approval: true` start',
  });
  setHandler(pause, () => conductor().pause(), {
    validator: () => conductor().checkPause(),
    description: 'start nothing more; trainings stop at a checkpoint',
  });
  setHandler(resume, () => conductor().resume(), {
    validator: () => conductor().checkResume(),
    description: 'go on',
  });
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
