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
import type {
  ApproveRequest,
  Intervention,
  Plan,
  Replanned,
  ReplanRequest,
  RetryRequest,
  StageState,
} from '../contract/messages.ts';
import { Approvals, Withdrawn } from './approvals.ts';
import { Dag } from './dag.ts';
import { asApplicationFailure, readFailure } from './failures.ts';
import { refusal } from './refusal.ts';
import { retryOf } from './retry.ts';
import type { RunState } from './runState.ts';
import { interrupted } from './stageActivity.ts';
import { activityIds, inputsOf, runStage, type StageControl } from './stageRun.ts';

const { replan } = proxyLocalActivities<{ replan(request: ReplanRequest): Promise<Replanned> }>({
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
  const running = new Map<string, Promise<void>>();
  /** Those that wait for a person, and are to start anew with what a person has changed. */
  const withdrawn = new Set<string>();
  const trainings = new Set<CancellationScope>();
  const approvals = new Approvals({
    seconds: plan.pipeline.holdForSeconds,
    isPaused: () => paused,
    isWithdrawn: (name) => withdrawn.has(name),
  });
  let paused = false;
  let replanning = false;
  let closed = false;
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
        // Somebody may be changing what is done at this very moment.
        if (dag.isDone && !replanning) return;
        await nextChange();
      }
    } finally {
      closed = true;
      // Cancelled, or failed for good: what goes on ends in order before the run does.
      await CancellationScope.nonCancellable(() => Promise.all(running.values()));
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
    const done = execute(name).finally(() => {
      running.delete(name);
      changes++;
    });
    running.set(name, done);
  }

  async function execute(name: string): Promise<void> {
    state.update(name, { historyAt: workflowInfo().historyLength });
    try {
      if (stageOf(name).approval && !approvals.has(name)) await approval(name);
      // As it is planned by now.
      const stage = stageOf(name);
      const result = await runStage(currentPlan(), state.run, stage, inputsOf(stage, state.finished), controlOf(name));
      state.done(name, result);
      dag.set(name, 'done');
    } catch (error) {
      if (error instanceof Withdrawn) return;
      dag.set(name, 'failed');
      // The run's own cancellation is told by the run.
      if (!CancellationScope.current().consideredCancelled) state.failed(name, readFailure(error).failure);
    }
  }

  function approval(name: string): Promise<void> {
    return approvals.wait(name, (until) => {
      state.update(name, { status: 'held', notice: `waits for approval until ${until}` });
      changes++;
    });
  }

  function awaitsApproval(name: string): boolean {
    return state.stage(name)?.status === 'held';
  }

  /** No activity of it is under way. */
  function waitsForPerson(name: string): boolean {
    return awaitsApproval(name) || state.stage(name)?.status === 'paused';
  }

  function refuseClosed(): void {
    if (closed) throw refusal('The run is over');
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
        await condition(() => !paused || withdrawn.has(name));
        if (withdrawn.has(name)) throw new Withdrawn();
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
      const isPaused = scope.consideredCancelled && !CancellationScope.current().consideredCancelled;
      // A worker that is stopped or lost before the pause has reached it: the server tries nothing again that is being cancelled.
      if (isPaused && (isCancellation(error) || readFailure(error).retryable)) return interrupted;
      throw error;
    } finally {
      trainings.delete(scope);
    }
  }

  function checkRetry({ stage, replay, set }: RetryRequest): void {
    refuseClosed();
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
      const { plan: next, changed } = await replan({ plan: currentPlan(), set: request.set ?? {} });
      refuseClosed();
      const again = dag.withDependents([...failed.flatMap(withBrokenInputs), ...changed]);
      const begun = again.filter((name) => dag.is(name, 'started'));
      const busy = begun.filter((name) => !waitsForPerson(name));
      if (busy.length > 0)
        throw refusal(`${busy.join(', ')} would have to run again and still runs; retry once it has ended`);
      for (const name of begun) withdrawn.add(name);
      await Promise.all(begun.map((name) => running.get(name)));
      for (const name of begun) withdrawn.delete(name);
      // Who retries a stage has approved of it; what follows, and what gets other inputs, is another thing by now.
      const isSame = (name: string) =>
        failed.includes(name) && !stageOf(name).needs.some((need) => again.includes(need));
      for (const name of again) if (!isSame(name)) approvals.takeBack(name);
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
    refuseClosed();
    const known = knownStage(stage);
    if (!known.approval) throw refusal(`${stage} needs no approval`);
    if (approvals.has(stage) || (known.status !== 'held' && known.status !== 'waiting'))
      throw refusal(`${stage} does not wait for approval: it is ${approvals.has(stage) ? 'approved' : known.status}`);
    if (replay !== undefined && known.replay !== replay) throw refusal(`${stage} was retried since: look at it again`);
  }

  function approve(request: ApproveRequest): Intervention {
    checkApprove(request);
    approvals.give(request.stage);
    if (state.stage(request.stage)?.status === 'held') state.update(request.stage, { status: 'waiting' });
    changes++;
    return { stages: [request.stage], status: state.status };
  }

  function checkPause(): void {
    refuseClosed();
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
    refuseClosed();
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
