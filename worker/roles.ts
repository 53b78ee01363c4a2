import { mainQueue, trainQueue } from '../contract/queues.ts';

/** What a worker process does: the queues that it polls. */
export interface Role {
  readonly queue: string;
  readonly runsWorkflows: boolean;
  /** Activities at once. */
  readonly parallel: number;
  /** Seconds that running activities may go on by themselves after SIGTERM, before they are cancelled. */
  readonly grace: number;
}

/**
 * A role a queue. The main queue runs workflows and CPU activities; every other queue is one for training: one at a time, as a
 * training takes the whole GPU or all cores.
 */
export function roleOf(queue: string, parallelTrainings: number): Role {
  if (queue === mainQueue) return { queue, runsWorkflows: true, parallel: 16, grace: 5 };
  // A training is cancelled at once: it checkpoints and hands back, where waiting would only be cut off later.
  return { queue, runsWorkflows: false, parallel: parallelTrainings, grace: 0 };
}

export const allQueues: readonly string[] = [mainQueue, trainQueue];
