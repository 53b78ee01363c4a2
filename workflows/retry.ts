import type { RetryPolicy } from '@temporalio/workflow';
import { longestBackoff, type Work, work } from '../contract/work.ts';

/** How work of a kind is tried again: the table in `contract/work.ts` in Temporal's terms. */
export function retryOf(kind: Work, attempts: number = work[kind].attempts): RetryPolicy {
  return {
    maximumAttempts: attempts,
    initialInterval: work[kind].firstBackoff * 1000,
    // A lost worker says nothing about the next one: a training's waits do not grow.
    backoffCoefficient: kind === 'training' ? 1 : 2,
    maximumInterval: longestBackoff * 1000,
  };
}
