import { isCancellation, proxyLocalActivities } from '@temporalio/workflow';
import type { FinishedStage } from '../contract/artifact.ts';
import type { ResolvedStage } from '../contract/config.ts';
import type { InputRef, LookupResult, Plan, RunIdentity, StageResult, StageTask } from '../contract/messages.ts';
import { mainQueue } from '../contract/queues.ts';
import type { SourceVersion } from '../contract/stage.ts';
import { work } from '../contract/work.ts';
import { readFailure } from './failures.ts';
import { Patience } from './patience.ts';
import { retryOf } from './retry.ts';
import { type ActivityControl, runStageActivity } from './stageActivity.ts';

/** What the run learns of a stage on the way, for its record, and has to say. */
export interface StageControl extends ActivityControl {
  readonly ids: ActivityIds;
  /** How often the stage was replayed. */
  readonly replay: number;
  resolved(source: SourceVersion): void;
  looked(lookup: LookupResult): void;
}

/** Looks at a source that changes each time while it is fetched. */
const mostLooks = 5;

/**
 * Runs one stage: asks its source what it holds, looks the result up, and runs it when it is not there.
 */
export async function runStage(
  plan: Plan,
  run: RunIdentity,
  stage: ResolvedStage,
  inputs: StageTask['inputs'],
  control: StageControl,
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
    ...(control.replay > 0 && { replay: control.replay }),
    ...(plan.tracking && { tracking: { ...plan.tracking, ...(plan.commit && { commit: plan.commit }) } }),
  };
  for (let looks = 1; ; looks++) {
    const resolved = stage.kind === 'source' ? await resolveSource(stage, task, control) : task;
    if (isLookedUpHere(plan, stage, resolved)) {
      const lookup = await lookUp(resolved, control);
      if (lookup) control.looked(lookup);
      if (lookup?.finished) return { finished: lookup.finished, cached: true };
    }
    try {
      return await execute(stage, resolved, control);
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

/**
 * Every activity of a stage looks its result up before it works. Where another queue's worker would have to be there for that,
 * the workflow's own worker looks first, so that a cached run ends without it. An effect is checked by its own activity, and a
 * strict runtime class by a worker that has the runtime.
 */
function isLookedUpHere(plan: Plan, stage: ResolvedStage, { cache }: StageTask): boolean {
  const checkedThere = stage.kind === 'effect' || (plan.pipeline.strictRuntime && stage.usesTensorflow);
  return stage.queue !== mainQueue && cache === 'reuse' && !checkedThere;
}

/** Undefined where this worker has other code: the stage's own activity then looks, and waits for a right worker. */
async function lookUp(task: StageTask, control: StageControl): Promise<LookupResult | undefined> {
  const { lookUpStage } = proxyLocalActivities<{ lookUpStage(task: StageTask): Promise<LookupResult> }>({
    startToCloseTimeout: work.query.startToClose * 1000,
    retry: retryOf('query'),
    summary: `${task.stage}: is it there already?`,
  });
  for (const patience = new Patience(); ; ) {
    try {
      return await lookUpStage(task);
    } catch (error) {
      const { failure } = readFailure(error);
      if (failure.code === 'FINGERPRINT_MISMATCH') return undefined;
      if (isCancellation(error) || !(await patience.with(failure, control.waits))) throw error;
    }
  }
}

/** Asks the source what it holds; the version travels with the task from here on. */
async function resolveSource(stage: ResolvedStage, task: StageTask, control: StageControl): Promise<StageTask> {
  const source = await runStageActivity<SourceVersion>({
    stage,
    task,
    type: `${stage.uses}.resolve`,
    work: 'query',
    // A folder is asked by reading all of it.
    startToCloseSeconds: Math.max(work.query.startToClose, stage.startToCloseSeconds),
    attempts: work.query.attempts,
    summary: `${stage.name}: what does the source hold now?`,
    nextId: control.ids.resolve,
    control,
  });
  control.resolved(source);
  return { ...task, source };
}

function execute(stage: ResolvedStage, task: StageTask, control: StageControl): Promise<StageResult> {
  return runStageActivity<StageResult>({
    stage,
    task,
    type: stage.uses,
    work: stage.work,
    startToCloseSeconds: stage.startToCloseSeconds,
    attempts: stage.attempts,
    summary: `${stage.name} (${stage.uses})`,
    nextId: control.ids.run,
    control,
  });
}

/** `NAME#1`, `NAME#2`: for as long as the run lives. */
export function activityIds(name: string) {
  let resolves = 0;
  let runs = 0;
  return { resolve: () => `${name}.resolve#${++resolves}`, run: () => `${name}#${++runs}` };
}

export type ActivityIds = ReturnType<typeof activityIds>;
