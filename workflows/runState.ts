import type { FinishedStage } from '../contract/artifact.ts';
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
    this.#run = { ...this.#run, pipeline: plan.pipeline.name };
    for (const { name, uses, queue, needs } of plan.pipeline.stages) {
      this.#stages.set(name, {
        name,
        uses,
        queue,
        needs,
        status: 'waiting',
        ...(plan.fingerprints[uses] && { fingerprint: plan.fingerprints[uses] }),
      });
    }
    this.#change();
  }

  started(name: string, activityId?: string): void {
    const startedAt = this.#stages.get(name)?.startedAt ?? now();
    this.update(name, { status: 'running', startedAt, ...(activityId && { activityId }) });
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
    this.#failure = failure;
    this.#endedAt = new Date();
    for (const stage of this.#stages.values()) {
      if (stage.status === 'waiting' || stage.status === 'running') {
        this.#stages.set(stage.name, { ...stage, status: status === 'cancelled' ? 'cancelled' : 'skipped' });
      }
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
      ...(this.#plan && {
        seed: this.#plan.pipeline.seed,
        store: this.#plan.store,
        config: this.#plan.pipeline,
        configDigest: this.#plan.configDigest,
        code: this.#plan.code,
        packages: this.#plan.packages,
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

function now(): string {
  return new Date().toISOString();
}
