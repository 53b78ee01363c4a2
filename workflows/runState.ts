import type { FinishedStage } from '../contract/artifact.ts';
import type { ResolvedStage } from '../contract/config.ts';
import type {
  Plan,
  RunIdentity,
  RunRecord,
  RunStatus,
  StageFailure,
  StageResult,
  StageState,
} from '../contract/messages.ts';

/** What a run knows of itself. Every change bumps `sequence` and tells the listener, in the workflow's own time. */
export class RunState {
  readonly finished = new Map<string, FinishedStage>();
  sequence = 0;
  #stages = new Map<string, StageState>();
  #run: RunIdentity;
  #plan: Plan | undefined;
  #status: RunStatus = 'running';
  #heldUntil: Date | undefined;
  #notice: string | undefined;
  #failure: RunRecord['failure'];
  readonly #startedAt: Date;
  #endedAt: Date | undefined;
  readonly #changed: () => void;

  constructor(run: RunIdentity, startedAt: Date, changed: () => void) {
    this.#run = run;
    this.#startedAt = startedAt;
    this.#changed = changed;
  }

  get run(): RunIdentity {
    return this.#run;
  }

  get plan(): Plan | undefined {
    return this.#plan;
  }

  planned(plan: Plan): void {
    this.#plan = plan;
    this.#notice = undefined;
    this.#run = { ...this.#run, pipeline: plan.pipeline.name };
    for (const stage of plan.pipeline.stages) this.#stages.set(stage.name, waiting(stage, plan, 0));
    this.#change();
  }

  /** These stages wait to run again, as `plan` says by now. */
  replayed(plan: Plan, names: readonly string[]): void {
    this.#plan = plan;
    for (const stage of plan.pipeline.stages) {
      const known = this.stage(stage.name);
      // What has not begun begins as the new plan has it.
      if (known?.status === 'waiting' && !names.includes(stage.name))
        this.#stages.set(stage.name, { ...known, ...plannedOf(stage, plan) });
      if (!names.includes(stage.name)) continue;
      this.#stages.set(stage.name, waiting(stage, plan, (this.stage(stage.name)?.replay ?? 0) + 1));
      this.finished.delete(stage.name);
    }
    this.#change();
  }

  stage(name: string): StageState | undefined {
    return this.#stages.get(name);
  }

  get status(): RunStatus {
    return this.#status;
  }

  /** How an open run stands. */
  stands(status: RunStatus, heldUntil?: Date): void {
    if (this.#status === status && this.#heldUntil?.getTime() === heldUntil?.getTime()) return;
    this.#status = status;
    this.#heldUntil = heldUntil;
    this.#change();
  }

  /** Why the run as a whole does not go on. */
  waits(notice: string): void {
    this.#notice = notice;
    this.#change();
  }

  started(name: string, activityId: string): void {
    const startedAt = this.#stages.get(name)?.startedAt ?? now();
    this.update(name, { status: 'running', startedAt, activityId });
  }

  /** A notice holds until the next change. */
  update(name: string, change: Partial<StageState>): void {
    const stage = this.#stages.get(name);
    if (!stage) throw new TypeError(`Expected a stage of the plan, got ${name}`);
    const { notice: _, ...rest } = stage;
    this.#stages.set(name, { ...rest, ...change });
    this.#change();
  }

  done(name: string, { finished, cached }: StageResult): void {
    this.finished.set(name, finished);
    const { key, artifact, metrics, facts, provenance } = finished;
    this.update(name, {
      status: cached ? 'cached' : 'finished',
      endedAt: now(),
      key,
      artifact,
      metrics,
      facts,
      provenance,
      ...(cached && { madeBy: { workflowId: provenance.workflowId, runId: provenance.runId } }),
    });
  }

  failed(name: string, failure: StageFailure): void {
    this.update(name, { status: 'failed', endedAt: now(), failure });
  }

  ended(status: RunStatus, failure?: RunRecord['failure']): void {
    this.#status = status;
    this.#heldUntil = undefined;
    this.#notice = undefined;
    this.#failure = failure;
    this.#endedAt = new Date();
    for (const stage of this.#stages.values()) {
      if (!isOpen(stage)) continue;
      const { notice: _, ...rest } = stage;
      this.#stages.set(stage.name, { ...rest, status: status === 'cancelled' ? 'cancelled' : 'skipped' });
    }
    this.#change();
  }

  /** The answer to the `progress` query and what the store keeps. */
  record(): RunRecord {
    const headline = [...this.finished.values()].reverse().find((stage) => stage.headline)?.headline;
    return {
      format: 1,
      run: this.#run,
      status: this.#status,
      startedAt: this.#startedAt.toISOString(),
      ...(this.#endedAt && { endedAt: this.#endedAt.toISOString() }),
      ...(this.#heldUntil && { heldUntil: this.#heldUntil.toISOString() }),
      ...(this.#notice && { notice: this.#notice }),
      ...(this.#plan && {
        seed: this.#plan.pipeline.seed,
        store: this.#plan.store,
        baseFolder: this.#plan.baseFolder,
        ...(this.#plan.replayOf && { replayOf: this.#plan.replayOf }),
        config: this.#plan.pipeline,
        configDigest: this.#plan.configDigest,
        code: this.#plan.code,
        packages: this.#plan.packages,
        ...(this.#plan.commit && { commit: this.#plan.commit }),
        ...(this.#plan.tracking && { tracking: this.#plan.tracking }),
      }),
      stages: [...this.#stages.values()],
      ...(headline && { headline }),
      ...(this.#failure && { failure: this.#failure }),
    };
  }

  #change(): void {
    this.sequence++;
    this.#changed();
  }
}

function waiting(stage: ResolvedStage, plan: Plan, replay: number): StageState {
  return { ...plannedOf(stage, plan), status: 'waiting', replay };
}

function plannedOf({ name, uses, queue, needs, approval }: ResolvedStage, { fingerprints }: Plan) {
  const fingerprint = fingerprints[uses];
  return { name, uses, queue, needs, ...(approval && { approval }), ...(fingerprint && { fingerprint }) };
}

/** Neither done nor given up. */
function isOpen({ status }: StageState): boolean {
  return ['waiting', 'held', 'paused', 'running'].includes(status);
}

function now(): string {
  return new Date().toISOString();
}
