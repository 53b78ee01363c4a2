import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  isCancellation,
  TimeoutFailure,
} from '@temporalio/workflow';
import { type FailureCode, FurrowError, failures, isFailureCode } from '../contract/errors.ts';
import { isHeartbeat, type StageFailure } from '../contract/messages.ts';

/** A stage's failure, and the checkpoint that its last attempt had reached. */
export interface AttemptFailure {
  readonly failure: StageFailure;
  readonly retryable: boolean;
  readonly checkpointStep: number | undefined;
}

/** Reads what Temporal reports of an activity that has used up its attempts. */
export function readFailure(error: unknown): AttemptFailure {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  // Not the run: one of its activities, by hand.
  if (cause instanceof CancelledFailure) {
    const failure = describe('CANCELLED', 'Its activity was cancelled');
    return { failure, retryable: false, checkpointStep: undefined };
  }
  if (cause instanceof TimeoutFailure) return readTimeout(cause);
  if (cause instanceof ApplicationFailure) {
    const details = cause.details?.[0] as
      | (Pick<StageFailure, 'log' | 'runLog'> & { checkpointStep?: number })
      | undefined;
    const code = isFailureCode(cause.type) ? cause.type : cause.type === 'WORKER_SHUTDOWN' ? 'WORKER_LOST' : 'INTERNAL';
    return {
      failure: {
        ...describe(code, cause.message),
        ...(details?.log && { log: details.log }),
        ...(details?.runLog && { runLog: details.runLog }),
      },
      retryable: !cause.nonRetryable,
      checkpointStep: details?.checkpointStep,
    };
  }
  if (cause instanceof FurrowError) {
    return { failure: describe(cause.code, cause.message), retryable: cause.retryable, checkpointStep: undefined };
  }
  return {
    failure: describe('INTERNAL', cause instanceof Error ? cause.message : String(cause)),
    retryable: false,
    checkpointStep: undefined,
  };
}

function readTimeout(timeout: TimeoutFailure): AttemptFailure {
  const last: unknown = timeout.lastHeartbeatDetails;
  const checkpointStep = isHeartbeat(last) ? last.checkpoint?.step : undefined;
  const lost = timeout.timeoutType === 'HEARTBEAT';
  const failure = lost
    ? describe('WORKER_LOST', 'The worker stopped sending heartbeats')
    : describe('STAGE_TIMED_OUT', `The attempt took longer than its timeout (${timeout.timeoutType})`);
  return { failure, retryable: lost, checkpointStep };
}

function describe(code: FailureCode, message: string): StageFailure {
  return { code, message, action: failures[code].action };
}

/** The one kind of error that may leave workflow code: any other would fail the workflow task, over and over. */
export function asApplicationFailure(error: unknown, place: string): Error {
  if (isCancellation(error)) return error as Error;
  if (error instanceof ApplicationFailure) return error;
  const { failure } = readFailure(error);
  return ApplicationFailure.create({
    message: `${place}: ${failure.message}`,
    type: failure.code,
    nonRetryable: true,
    details: [failure],
  });
}
