import {
  ApplicationFailure,
  CancellationScope,
  condition,
  isCancellation,
  proxyLocalActivities,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type { ResolvedStage } from '../contract/config.ts';
import { FurrowError } from '../contract/errors.ts';
import type {
  ApproveRequest,
  Intervention,
  Plan,
  ReplanRequest,
  RetryRequest,
  StageState,
} from '../contract/messages.ts';
import { Dag } from './dag.ts';
import { asApplicationFailure, readFailure } from './failures.ts';
import { retryOf } from './retry.ts';
import type { RunState } from './runState.ts';
import { interrupted } from './stageActivity.ts';
import { activityIds, inputsOf, runStage, type StageControl } from './stageRun.ts';

const { replan } = proxyLocalActivities<{ replan(request: ReplanRequest): Promise<Plan> }>({
  startToCloseTimeout: '1 minute',
  summary: 'the parameters of a retry, checked',
  retry: retryOf('query'),
});

/** What a person may ask of a run that goes on. Each `check` looks at the run's state alone. */
export interface Conductor {
  /** Runs the stages to the end; throws when the run has failed. */
  run(): Promise<void>;
  checkRetry(request: RetryRequest): void;
  retry(request: RetryRequest): Promise<Intervention>;
  checkApprove(request: ApproveRequest): void;
  approve(request: ApproveRequest): Intervention;
  checkPause(): void;
  pause(): Intervention;
  checkResume(): void;
  resume(): Intervention;
}

/**
 * Runs the stages of a planned run: each as soon as what it needs is done. When one has failed for good, every branch that does not
 * need it goes on; then the run holds, for as long as the pipeline says, until a person retries.
 */
export function conduct(plan: Plan, state: RunState): Conductor {
  const dag = new Dag(plan.pipeline.stages);
  const ids = new Map(plan.pipeline.stages.map(({ name }) => [name, activityIds(name)]));
  const approved = new Set<string>();
  const running = new Set<Promise<void>>();
  const trainings = new Set<CancellationScope>();
  let paused = false;
  let replanning = false;
  /** Counts what may let the run go on. */
  let changes = 0;
  /** A person has just let the run go on. */
  let intervened = false;
  const { onFailure, holdForSeconds } = plan.pipeline;

  async function run(): Promise<void> {
    try {
      for (;;) {
        // In a workflow task of its own: what starts in the update's would lie before it for a reset, which would undo the update.
        if (intervened) {
          intervened = false;
          await sleep(1);
        }
        if (!paused && !replanning) for (const name of dag.ready()) start(name);
        if (dag.isDone) return;
        await nextChange();
      }
    } finally {
      // Cancelled, or failed for good: what goes on ends in order before the run does.
      await CancellationScope.nonCancellable(() => Promise.all(running));
    }
  }

  /** Waits until something happens; where only a person can make it happen, no longer than a run holds. */
  async function nextChange(): Promise<void> {
    const seen = changes;
    const started = dag.inState('started');
    if (paused || replanning || started.length > 0) {
      state.stands(paused ? 'paused' : started.every(awaitsApproval) && !replanning ? 'held' : 'running');
      await condition(() => changes > seen);
      return;
    }
    if (onFailure === 'fail') throw runFailure(dag, state);
    const until = new Date(Date.now() + holdForSeconds * 1000);
    state.stands('held', until);
    // Somebody may be retrying at this very moment.
    if ((await condition(() => changes > seen, holdForSeconds * 1000)) || replanning) return;
    throw runFailure(dag, state, `; nobody retried it until ${until.toISOString()}`);
  }

  function start(name: string): void {
    dag.set(name, 'started');
    const done = execute(stageOf(name)).finally(() => {
      running.delete(done);
      changes++;
    });
    running.add(done);
  }

  async function execute(stage: ResolvedStage): Promise<void> {
    const { name } = stage;
    state.update(name, { historyAt: workflowInfo().historyLength });
    try {
      if (stage.approval && !approved.has(name)) await approval(name);
      const result = await runStage(currentPlan(), state.run, stage, inputsOf(stage, state.finished), controlOf(name));
      state.done(name, result);
      dag.set(name, 'done');
    } catch (error) {
      dag.set(name, 'failed');
      // The run's own cancellation is told by the run.
      if (!CancellationScope.current().consideredCancelled) state.failed(name, readFailure(error).failure);
    }
  }

  async function approval(name: string): Promise<void> {
    const until = new Date(Date.now() + holdForSeconds * 1000).toISOString();
    state.update(name, { status: 'held', notice: `waits for approval until ${until}` });
    changes++;
    if (await condition(() => approved.has(name), holdForSeconds * 1000)) return;
    throw new FurrowError('NOT_APPROVED', `Nobody approved ${name} until ${until}`);
  }

  function awaitsApproval(name: string): boolean {
    return state.stage(name)?.status === 'held';
  }

  function controlOf(name: string): StageControl {
    return {
      ids: ids.get(name) ?? activityIds(name),
      replay: state.stage(name)?.replay ?? 0,
      started: (activityId) => state.started(name, activityId),
      resolved: (source) => state.update(name, { source }),
      looked: ({ key }) => state.update(name, { key }),
      waits: (notice) => state.update(name, { notice }),
      async turn() {
        if (!paused) return;
        state.update(name, { status: 'paused', notice: 'paused; goes on from what it has reached' });
        await condition(() => !paused);
      },
      interruptible,
    };
  }

  async function interruptible<T>(act: () => Promise<T>): Promise<T | typeof interrupted> {
    const scope = new CancellationScope();
    trainings.add(scope);
    try {
      return await scope.run(act);
    } catch (error) {
      const byPause =
        isCancellation(error) && scope.consideredCancelled && !CancellationScope.current().consideredCancelled;
      if (byPause) return interrupted;
      throw error;
    } finally {
      trainings.delete(scope);
    }
  }

  function checkRetry({ stage, replay, set }: RetryRequest): void {
    if (replanning) throw refusal('Another retry is being checked');
    const failed = dag.inState('failed');
    if (stage === undefined) {
      if (failed.length === 0 && !set) throw refusal(`No stage has failed; the run is ${state.status}`);
      return;
    }
    const known = knownStage(stage);
    if (known.status !== 'failed') throw refusal(`${stage} has not failed: it is ${known.status}`);
    if (replay !== undefined && known.replay !== replay)
      throw refusal(`${stage} was retried already: it has failed once more since`);
  }

  async function retry(request: RetryRequest): Promise<Intervention> {
    // A reset applies updates again, past what checked them.
    checkRetry(request);
    const failed = request.stage === undefined ? dag.inState('failed') : [request.stage];
    replanning = true;
    try {
      const before = currentPlan();
      const next = await replan({ plan: before, set: request.set ?? {} });
      const changed = changedStages(before, next);
      const again = dag.withDependents([...failed.flatMap(withBrokenInputs), ...changed]);
      const busy = again.filter((name) => dag.is(name, 'started'));
      if (busy.length > 0)
        throw refusal(`${busy.join(', ')} would have to run again and still runs; retry once it has ended`);
      // Who retries a stage has approved of it; what follows is another thing by now.
      for (const name of again) if (!failed.includes(name)) approved.delete(name);
      for (const name of again) dag.set(name, 'waiting');
      state.replayed(next, again);
      return { stages: again, status: state.status };
    } catch (error) {
      throw asApplicationFailure(error, 'retry');
    } finally {
      replanning = false;
      intervened = true;
      changes++;
    }
  }

  /** What a stage found missing, the stages that made it make again. */
  function withBrokenInputs(name: string): string[] {
    const code = state.stage(name)?.failure?.code;
    return code === 'BLOB_MISSING' || code === 'BLOB_CORRUPT' ? [name, ...stageOf(name).needs] : [name];
  }

  function checkApprove({ stage, replay }: ApproveRequest): void {
    const known = knownStage(stage);
    if (!known.approval) throw refusal(`${stage} needs no approval`);
    if (approved.has(stage) || (known.status !== 'held' && known.status !== 'waiting'))
      throw refusal(`${stage} does not wait for approval: it is ${approved.has(stage) ? 'approved' : known.status}`);
    if (replay !== undefined && known.replay !== replay) throw refusal(`${stage} was retried since: look at it again`);
  }

  function approve(request: ApproveRequest): Intervention {
    checkApprove(request);
    approved.add(request.stage);
    if (state.stage(request.stage)?.status === 'held') state.update(request.stage, { status: 'waiting' });
    changes++;
    return { stages: [request.stage], status: state.status };
  }

  function checkPause(): void {
    if (paused) throw refusal('The run is paused already');
  }

  function pause(): Intervention {
    checkPause();
    paused = true;
    // Each leaves a checkpoint and its worker; what is short goes on to its end.
    for (const scope of trainings) scope.cancel();
    changes++;
    return { stages: dag.inState('started'), status: 'paused' };
  }

  function checkResume(): void {
    if (!paused) throw refusal(`The run is not paused: it is ${state.status}`);
  }

  function resume(): Intervention {
    checkResume();
    paused = false;
    intervened = true;
    changes++;
    return { stages: dag.inState('started'), status: 'running' };
  }

  function knownStage(name: string): StageState {
    const known = state.stage(name);
    if (known) return known;
    const names = plan.pipeline.stages.map((stage) => stage.name).join(', ');
    throw refusal(`The run has no stage ${name}; its stages are ${names}`);
  }

  function currentPlan(): Plan {
    return state.plan ?? plan;
  }

  function stageOf(name: string): ResolvedStage {
    const stage = currentPlan().pipeline.stages.find((candidate) => candidate.name === name);
    if (!stage) throw new TypeError(`Expected a stage of the plan, got ${name}`);
    return stage;
  }

  return { run, checkRetry, retry, checkApprove, approve, checkPause, pause, checkResume, resume };
}

/** Stages whose parameters differ. Where and how often they run says nothing about what they make. */
function changedStages(before: Plan, after: Plan): string[] {
  const given = new Map(before.pipeline.stages.map((stage) => [stage.name, JSON.stringify(stage.with)]));
  return after.pipeline.stages
    .filter((stage) => given.get(stage.name) !== JSON.stringify(stage.with))
    .map(({ name }) => name);
}

/** Of several failures the first in the pipeline's order; the record has all. */
function runFailure(dag: Dag, state: RunState, more = ''): Error {
  const [name = '', ...others] = dag.inState('failed');
  const failure = state.stage(name)?.failure;
  const too = others.length > 0 ? ` (and ${others.length} more failed)` : '';
  return ApplicationFailure.create({
    message: `${name}: ${failure?.message}${too}${more}`,
    type: failure?.code ?? 'INTERNAL',
    nonRetryable: true,
    details: [{ stage: name, ...failure }],
  });
}

/** Refused before it is in history, or ended without an effect: the run itself goes on. */
export function refusal(message: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(message, 'WRONG_STATE');
}
