import { ApplicationFailure, CancelledFailure, TerminatedFailure, WorkflowFailedError } from '@temporalio/client';
import { type FailureCode, failures, isFailureCode } from '../contract/errors.ts';
import type { RunRecord } from '../contract/messages.ts';
import { nextSteps } from '../contract/nextSteps.ts';

export interface RunFailure {
  readonly status: 'failed' | 'cancelled' | 'terminated';
  readonly code: FailureCode;
  readonly message: string;
  readonly action: string;
  readonly stage?: string;
  /** The last lines of the failed attempt's log. */
  readonly log?: readonly string[];
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
    const details = cause.details?.[0] as { stage?: string; log?: readonly string[] } | undefined;
    return {
      status: 'failed',
      code,
      message: cause.message,
      action: failures[code].action,
      ...(details?.stage && { stage: details.stage }),
      ...(details?.log && { log: details.log }),
    };
  }
  throw error;
}

/** A held run for scripts: what has failed, until when it waits, and what lets it go on. */
export function heldAnswer(record: RunRecord) {
  const failures = record.stages.flatMap(({ name, failure }) => (failure ? [{ stage: name, ...failure }] : []));
  const { status, heldUntil } = record;
  return { status, ...(heldUntil && { heldUntil }), failures, next: nextSteps(record) };
}

export function heldLines(record: RunRecord, page: string | undefined): string[] {
  return [
    '',
    ...stageFailureLines(record),
    `The run waits for a person${record.heldUntil ? ` until ${record.heldUntil}` : ''}:`,
    ...nextLines(record),
    ...(page ? [`Temporal UI: ${page}`] : []),
  ];
}

/** Each failed stage: its code, what happened, what to do, and the end of its log. */
export function stageFailureLines({ stages }: RunRecord): string[] {
  return stages.flatMap(({ name, failure }) =>
    failure
      ? [
          `${name}: ${failure.code}: ${failure.message}`,
          `  ${failure.action}`,
          ...(failure.log ?? []).map((line) => `  | ${line}`),
        ]
      : [],
  );
}

export function nextLines(record: RunRecord): string[] {
  return nextSteps(record).map(({ command, effect }) => `  ${command}   ${effect}`);
}

export function failureLines(failure: RunFailure, workflowId: string, page: string | undefined): string[] {
  return [
    '',
    `The run ${failure.status === 'failed' ? 'failed' : `was ${failure.status}`}${failure.stage ? ` in stage ${failure.stage}` : ''}`,
    `${failure.code}: ${failure.message}`,
    failure.action,
    ...(failure.log ?? []).map((line) => `  | ${line}`),
    `furrow retry ${workflowId} goes on from what finished; furrow show ${workflowId} shows it.`,
    ...(page ? [`Temporal UI: ${page}`] : []),
  ];
}
