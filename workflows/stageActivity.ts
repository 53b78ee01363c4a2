import { ActivityCancellationType, type ActivityOptions, isCancellation, proxyActivities } from '@temporalio/workflow';
import type { ResolvedStage } from '../contract/config.ts';
import type { StageTask } from '../contract/messages.ts';
import { type Work, work } from '../contract/work.ts';
import { readFailure } from './failures.ts';
import { Patience } from './patience.ts';
import { retryOf } from './retry.ts';

/** A stage that makes progress may be scheduled again this often; each of them is bounded by its own attempts. */
const mostRenewals = 1000;

export interface StageActivity {
  readonly stage: ResolvedStage;
  /** `train`, `fetchData.resolve`: the activity's type. */
  readonly type: string;
  readonly task: StageTask;
  readonly work: Work;
  readonly startToCloseSeconds: number;
  readonly attempts: number;
  readonly summary: string;
  /** A new id each time, `convnet#2`: one is never used twice. */
  nextId(): string;
  readonly control: ActivityControl;
}

/** What the run has to say while an activity goes on. */
export interface ActivityControl {
  started(activityId: string): void;
  /** Scheduled again later, and why. */
  waits(reason: string): void;
  /** Waits while the run is paused. */
  turn(): Promise<void>;
  /** Runs what a pause may stop; gives {@link interrupted} when it did. */
  interruptible<T>(act: () => Promise<T>): Promise<T | typeof interrupted>;
}

export const interrupted = Symbol('interrupted');

/**
 * Runs one of a stage's activities. Its attempts are bounded without progress only: as long as checkpoints advance it is scheduled
 * anew. Waiting for what is away, or for a worker with the run's code, spends none of the attempts; a pause stops a training, which
 * goes on from its checkpoint.
 */
export async function runStageActivity<T>(activity: StageActivity): Promise<T> {
  const { control, stage } = activity;
  const patience = new Patience();
  let furthest = -1;
  for (let n = 1; ; n++) {
    await control.turn();
    const activityId = activity.nextId();
    control.started(activityId);
    try {
      const run = () => schedule<T>(activity, activityId);
      const result = stage.work === 'training' ? await control.interruptible(run) : await run();
      if (result !== interrupted) return result as T;
    } catch (error) {
      if (isCancellation(error)) throw error;
      const { checkpointStep = -1, retryable, failure } = readFailure(error);
      const advanced = checkpointStep > furthest && n < mostRenewals;
      if (advanced) patience.renew();
      furthest = Math.max(furthest, checkpointStep);
      if (await patience.with(failure, control.waits)) continue;
      if (!retryable || !advanced) throw error;
    }
  }
}

function schedule<T>(activity: StageActivity, activityId: string): Promise<T> {
  const { stage, type, task, summary } = activity;
  const activities = proxyActivities<Record<string, (task: StageTask) => Promise<T>>>({
    ...optionsFor(activity),
    taskQueue: stage.queue,
    activityId,
    summary,
  });
  const scheduled = activities[type];
  if (!scheduled) throw new TypeError(`Expected an activity ${type}`);
  return scheduled(task);
}

function optionsFor({ work: kind, startToCloseSeconds, attempts }: StageActivity): ActivityOptions {
  return {
    startToCloseTimeout: startToCloseSeconds * 1000,
    heartbeatTimeout: work[kind].heartbeat * 1000,
    // Scheduling an id again while the old one is being cancelled would wedge the workflow task: wait for its end.
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: retryOf(kind, attempts),
  };
}
