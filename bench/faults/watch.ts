/** Follows a run from outside, by its workers' logs and by what Temporal says: when a training goes on, and from where. */
import type { WorkflowHandle } from '@temporalio/client';
import { pendingActivities } from '../../test/harness/pending.ts';
import type { WorkerProcess } from '../../test/harness/product.ts';
import { type SteppedStage, steppedStages } from './pipeline.ts';

export interface Resume {
  readonly stage: string;
  readonly step: number;
  /** Milliseconds since 1970, by this process's clock: a worker's own may jump. */
  readonly at: number;
}

export interface Recovery {
  readonly stage: SteppedStage;
  /** From when all was there that it takes, a worker that is free too, to its first heartbeat of a step, which may be 3 s late. */
  readonly seconds: number;
}

interface Attempt {
  readonly id: string;
  /** It was heard of. */
  readonly isUnderWay: boolean;
  /** It has come to a step. */
  readonly isStepping: boolean;
}

interface Waiting {
  /** The attempt that was interrupted: it may still be heard of. */
  readonly lost: string | undefined;
  /** Milliseconds since 1970: since when all is there that it takes; undefined while it is not. */
  since: number | undefined;
}

/** Milliseconds between two looks. */
const lookEvery = 200;

export class Watch {
  readonly resumes: Resume[] = [];
  readonly recoveries: Recovery[] = [];
  readonly #handle: WorkflowHandle;
  readonly #workers: { readonly worker: WorkerProcess; read: number }[] = [];
  /** The attempt of each training that Temporal named last. */
  #attempts: ReadonlyMap<SteppedStage, Attempt> = new Map();
  /** Trainings that were interrupted and do not go on yet. */
  readonly #waiting = new Map<SteppedStage, Waiting>();
  #stopped = false;
  readonly #done: Promise<void>;

  constructor(handle: WorkflowHandle) {
    this.#handle = handle;
    this.#done = this.#loop();
  }

  follow(worker: WorkerProcess): void {
    this.#workers.push({ worker, read: 0 });
  }

  interrupted(stage: SteppedStage): void {
    this.#waiting.set(stage, { lost: this.#attempts.get(stage)?.id, since: undefined });
  }

  /** Whether a training was interrupted, does not go on yet, and was not found finished either. */
  waits(stage: SteppedStage): boolean {
    return this.#waiting.has(stage) && this.#attempts.has(stage);
  }

  /** Something is taken away: what waits cannot be expected to go on. */
  takenAway(): void {
    for (const waiting of this.#waiting.values()) waiting.since = undefined;
  }

  /** All is there that a training needs. */
  allThere(): void {
    for (const waiting of this.#waiting.values()) waiting.since ??= Date.now();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
    this.#readLogs();
  }

  async #loop(): Promise<void> {
    while (!this.#stopped) {
      this.#readLogs();
      await this.#ask();
      await new Promise((resolve) => setTimeout(resolve, lookEvery));
    }
  }

  #readLogs(): void {
    for (const each of this.#workers) {
      const log = each.worker.log();
      const end = log.lastIndexOf('\n') + 1;
      for (const line of log.slice(each.read, end).split('\n')) this.#readLine(line);
      each.read = Math.max(each.read, end);
    }
  }

  #readLine(line: string): void {
    if (!line.includes('going on from step')) return;
    const { stage, step } = JSON.parse(line) as { stage: string; step: number };
    this.resumes.push({ stage, step, at: Date.now() });
  }

  async #ask(): Promise<void> {
    const attempts = await this.#askForAttempts();
    if (!attempts) return;
    // A short rest of a training is over before its first step is heard of.
    for (const [stage, { id, isUnderWay }] of this.#attempts)
      if (isUnderWay && !attempts.has(stage)) this.#goesOn(stage, id);
    for (const [stage, { id, isStepping }] of attempts) if (isStepping) this.#goesOn(stage, id);
    this.#attempts = attempts;
    this.#waitLongerForOthers();
  }

  /** A worker trains one at a time: while it has another one, it is not there for those that wait. */
  #waitLongerForOthers(): void {
    const lost = new Set(Array.from(this.#waiting.values(), (waiting) => waiting.lost));
    for (const [stage, waiting] of this.#waiting) {
      const others = [...this.#attempts].filter(([name, { id }]) => name !== stage && !lost.has(id));
      const isBusy = others.some(([, { isUnderWay }]) => isUnderWay);
      if (isBusy && waiting.since !== undefined) waiting.since = Date.now();
    }
  }

  /** Undefined while Temporal is away. */
  async #askForAttempts(): Promise<ReadonlyMap<SteppedStage, Attempt> | undefined> {
    const pending = await pendingActivities(this.#handle).catch(() => undefined);
    if (!pending) return undefined;
    return new Map(
      pending.flatMap(({ activityId, attempt, heartbeat, isOwnHeartbeat }) => {
        const stage = steppedStages.find((name) => activityId.startsWith(`${name}#`));
        const isStepping = isOwnHeartbeat && heartbeat?.done !== undefined;
        return stage ? [[stage, { id: `${activityId} ${attempt}`, isUnderWay: isOwnHeartbeat, isStepping }]] : [];
      }),
    );
  }

  #goesOn(stage: SteppedStage, id: string): void {
    const waiting = this.#waiting.get(stage);
    if (waiting?.since === undefined || waiting.lost === id) return;
    this.recoveries.push({ stage, seconds: (Date.now() - waiting.since) / 1000 });
    this.#waiting.delete(stage);
  }
}
