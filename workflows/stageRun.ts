import {
  ActivityCancellationType,
  type ActivityOptions,
  isCancellation,
  proxyActivities,
  proxyLocalActivities,
} from '@temporalio/workflow';
import type { FinishedStage } from '../contract/artifact.ts';
import type { ResolvedStage } from '../contract/config.ts';
import type { InputRef, LookupResult, Plan, RunIdentity, StageResult, StageTask } from '../contract/messages.ts';
import type { SourceVersion } from '../contract/stage.ts';
import { longestBackoff, work } from '../contract/work.ts';
import { readFailure } from './failures.ts';

/** What the run learns on the way, for its record. */
export interface StageEvents {
  started(activityId?: string): void;
  resolved(source: SourceVersion): void;
  looked(lookup: LookupResult): void;
}

/** Looks at a source that changes each time while it is fetched. */
const mostLooks = 5;

/** A stage that makes progress may be scheduled again this often; each of them is bounded by its own attempts. */
const mostRenewals = 1000;

/** With three attempts each and 5 s between them, a run waits a quarter of an hour for workers of its own code. */
const mostHandBacks = 60;

/**
 * Runs one stage: asks its source what it holds, looks the result up, and runs it when it is not there. Activity ids are
 * `stage#n`. Attempts are bounded without progress only: as long as checkpoints advance, the stage is scheduled anew.
 */
export async function runStage(
  plan: Plan,
  run: RunIdentity,
  stage: ResolvedStage,
  inputs: StageTask['inputs'],
  events: StageEvents,
): Promise<StageResult> {
  const task: StageTask = {
    run,
    stage: stage.name,
    uses: stage.uses,
    kind: stage.kind,
    store: plan.store,
    baseFolder: plan.baseFolder,
    fingerprint: plan.fingerprints[stage.uses] ?? 'sha256:',
    params: stage.with,
    inputs,
    seed: plan.pipeline.seed,
    strictRuntime: plan.pipeline.strictRuntime,
    cache: plan.noCache || plan.refresh.includes(stage.name) ? 'replace' : 'reuse',
  };
  const next = activityIds(stage.name);
  for (let looks = 1; ; looks++) {
    const resolved = stage.kind === 'source' ? await resolveSource(stage, task, next, events) : task;
    const lookup = await lookUp(resolved);
    events.looked(lookup);
    if (lookup.finished) return { finished: lookup.finished, cached: true };
    try {
      return await execute(stage, resolved, next, events);
    } catch (error) {
      // What was resolved is gone: the source is asked again, and what it holds by then is fetched.
      if (readFailure(error).failure.code !== 'SOURCE_CHANGED' || looks >= mostLooks) throw error;
    }
  }
}

/** The references that a stage's roles are filled with. */
export function inputsOf(stage: ResolvedStage, finished: ReadonlyMap<string, FinishedStage>): StageTask['inputs'] {
  const refer = (name: string): InputRef => {
    const made = finished.get(name);
    if (!made) throw new TypeError(`Expected ${name} to be done before ${stage.name}`);
    return { stage: name, artifact: made.artifact, metrics: made.metrics };
  };
  return Object.fromEntries(Object.entries(stage.inputs).map(([role, names]) => [role, names.map(refer)]));
}

/** In the workflow's own worker: a cached run needs no other, and waits for no queue. */
function lookUp(task: StageTask): Promise<LookupResult> {
  const { lookUpStage } = proxyLocalActivities<{ lookUpStage(task: StageTask): Promise<LookupResult> }>({
    startToCloseTimeout: work.query.startToClose * 1000,
    retry: {
      maximumAttempts: work.query.attempts,
      initialInterval: work.query.firstBackoff * 1000,
      maximumInterval: longestBackoff * 1000,
    },
    summary: `${task.stage}: is it there already?`,
  });
  return lookUpStage(task);
}

async function resolveSource(
  stage: ResolvedStage,
  task: StageTask,
  next: ActivityIds,
  events: StageEvents,
): Promise<StageTask> {
  const type = `${stage.uses}.resolve`;
  const activityId = next.resolve();
  events.started(activityId);
  const activities = proxyActivities<Record<string, (task: StageTask) => Promise<SourceVersion>>>({
    ...optionsFor(work.query.startToClose, 'query', work.query.attempts),
    taskQueue: stage.queue,
    activityId,
    summary: `${stage.name}: what does the source hold now?`,
  });
  const source = await call(activities, type, task);
  events.resolved(source);
  return { ...task, source };
}

async function execute(
  stage: ResolvedStage,
  task: StageTask,
  next: ActivityIds,
  events: StageEvents,
): Promise<StageResult> {
  let furthest = -1;
  for (let n = 1; ; n++) {
    const activityId = next.run();
    events.started(activityId);
    const activities = proxyActivities<Record<string, (task: StageTask) => Promise<StageResult>>>({
      ...optionsFor(stage.startToCloseSeconds, stage.work, stage.attempts),
      taskQueue: stage.queue,
      activityId,
      summary: `${stage.name} (${stage.uses})`,
    });
    try {
      return await call(activities, stage.uses, task);
    } catch (error) {
      if (isCancellation(error)) throw error;
      const { checkpointStep = -1, retryable, failure } = readFailure(error);
      const handedBack = failure.code === 'FINGERPRINT_MISMATCH' && n < mostHandBacks;
      const advanced = checkpointStep > furthest && n < mostRenewals;
      if (!retryable || !(handedBack || advanced)) throw error;
      furthest = Math.max(furthest, checkpointStep);
    }
  }
}

/** `convnet#2` is the second time that the stage is scheduled in this run. An id is never used twice. */
function activityIds(name: string) {
  let resolves = 0;
  let runs = 0;
  return { resolve: () => `${name}.resolve#${++resolves}`, run: () => `${name}#${++runs}` };
}

type ActivityIds = ReturnType<typeof activityIds>;

function optionsFor(startToClose: number, kind: ResolvedStage['work'], attempts: number): ActivityOptions {
  const row = work[kind];
  return {
    startToCloseTimeout: startToClose * 1000,
    heartbeatTimeout: row.heartbeat * 1000,
    // Scheduling an id again while the old one is being cancelled would wedge the workflow task: wait for its end.
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: {
      maximumAttempts: attempts,
      initialInterval: row.firstBackoff * 1000,
      // A lost worker says nothing about the next one: a training's waits do not grow.
      backoffCoefficient: kind === 'training' ? 1 : 2,
      maximumInterval: longestBackoff * 1000,
    },
  };
}

function call<T>(
  activities: Record<string, (task: StageTask) => Promise<T>>,
  type: string,
  task: StageTask,
): Promise<T> {
  const activity = activities[type];
  if (!activity) throw new TypeError(`Expected an activity ${type}`);
  return activity(task);
}
