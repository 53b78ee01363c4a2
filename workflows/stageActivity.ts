import {
  ActivityCancellationType,
  type ActivityOptions,
  isCancellation,
  proxyActivities,
  sleep,
} from '@temporalio/workflow';
import type { ResolvedStage } from '../contract/config.ts';
import type { StageTask } from '../contract/messages.ts';
import { type Work, work } from '../contract/work.ts';
import { readFailure } from './failures.ts';
import { retryOf } from './retry.ts';

/** A stage that makes progress may be scheduled again this often; each of them is bounded by its own attempts. */
const mostRenewals = 1000;

/** Seconds between two offers of a task that a worker with other code gave back, and how long a run waits for a right one. */
const handBackWait = 10;
const handBackLimit = 15 * 60;

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
  readonly events: { started(activityId: string): void; waits(reason: string): void };
}

/**
 * Runs one of a stage's activities. Its attempts are bounded without progress only: as long as checkpoints advance, or workers
 * with other code hand it back, it is scheduled anew. The wait for a right worker spends none of the attempts.
 */
export async function runStageActivity<T>(activity: StageActivity): Promise<T> {
  let furthest = -1;
  let waited = 0;
  for (let n = 1; ; n++) {
    const activityId = activity.nextId();
    activity.events.started(activityId);
    try {
      return await schedule<T>(activity, activityId);
    } catch (error) {
      if (isCancellation(error)) throw error;
      const { checkpointStep = -1, retryable, failure } = readFailure(error);
      if (failure.code === 'FINGERPRINT_MISMATCH' && waited < handBackLimit) {
        activity.events.waits(`${failure.message}; waiting for a worker with the run's code`);
        await sleep(handBackWait * 1000);
        waited += handBackWait;
        continue;
      }
      const advanced = checkpointStep > furthest && n < mostRenewals;
      if (!retryable || !advanced) throw error;
      furthest = checkpointStep;
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
