import { ApplicationFailure, CancelledFailure, TerminatedFailure, WorkflowFailedError } from '@temporalio/client';
import { type FailureCode, failures, isFailureCode } from '../contract/errors.ts';
import type { RunStatus } from '../contract/messages.ts';

export interface RunFailure {
  readonly status: Exclude<RunStatus, 'running' | 'finished'> | 'terminated';
  readonly code: FailureCode;
  readonly message: string;
  readonly action: string;
  readonly stage?: string;
}

/** Why a run ended otherwise than well, from what its result threw. */
export function readRunFailure(error: unknown): RunFailure {
  const cause = error instanceof WorkflowFailedError ? error.cause : error;
  const stopped =
    cause instanceof CancelledFailure ? 'cancelled' : cause instanceof TerminatedFailure ? 'terminated' : undefined;
  if (stopped) {
    return { status: stopped, code: 'CANCELLED', message: `The run was ${stopped}`, action: failures.CANCELLED.action };
  }
  if (cause instanceof ApplicationFailure) {
    const code = isFailureCode(cause.type) ? cause.type : 'INTERNAL';
    const details = cause.details?.[0] as { stage?: string } | undefined;
    return {
      status: 'failed',
      code,
      message: cause.message,
      action: failures[code].action,
      ...(details?.stage && { stage: details.stage }),
    };
  }
  throw error;
}

export function failureLines(failure: RunFailure, workflowId: string, page: string | undefined): string[] {
  return [
    '',
    `The run ${failure.status === 'failed' ? 'failed' : `was ${failure.status}`}${failure.stage ? ` in stage ${failure.stage}` : ''}`,
    `${failure.code}: ${failure.message}`,
    failure.action,
    `furrow show ${workflowId} shows what finished; a new run reuses it.`,
    ...(page ? [`Temporal UI: ${page}`] : []),
  ];
}
