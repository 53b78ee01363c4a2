import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import type { Digest } from '../../contract/artifact.ts';
import { type FailureCode, FurrowError, failures } from '../../contract/errors.ts';
import type { JsonObject } from '../../contract/json.ts';
import { redact, redactJson } from '../../contract/redact.ts';
import type { StoredContent } from '../../contract/stage.ts';
import { isDiskFull } from '../../lib/store/diskFull.ts';

/** What a failed attempt tells the workflow: the first detail of its ApplicationFailure. */
export interface FailureDetails {
  readonly code: FailureCode;
  readonly action: string;
  /** The last checkpoint of this key, as far as the attempt knew: an attempt that moved it does not count as a failed one. */
  readonly checkpointStep?: number;
  /** The last lines of the attempt's log. */
  readonly log?: readonly string[];
  /** What a training had logged of its steps, in the store. */
  readonly runLog?: { readonly digest: Digest; readonly bytes: number };
  readonly [key: string]: JsonObject[string] | undefined;
}

/**
 * The failure that a Temporal server may keep: code as its type, retryable or not by the table, redacted and cut to size. The
 * original error stays here, in the worker's log: its stack may hold paths and values.
 *
 * @param log the last lines of the attempt's log, without secrets
 * @param isFinal trying again would end the same way
 */
export function toFailure(
  error: unknown,
  secrets: readonly string[],
  { checkpointStep, log = [], runLog, isFinal = false }: FailureContext = {},
): Error {
  if (error instanceof CancelledFailure) return error;
  const code = codeOf(error);
  const known = failures[code];
  const message = redact(messageOf(error), secrets);
  const details: FailureDetails = {
    ...(error instanceof FurrowError && cleanDetails(error.details, secrets)),
    code,
    action: known.action,
    ...(checkpointStep !== undefined && { checkpointStep }),
    ...(log.length > 0 && { log }),
    ...(runLog && { runLog: { digest: runLog.digest, bytes: runLog.bytes } }),
  };
  return ApplicationFailure.create({
    message,
    type: code,
    nonRetryable: isFinal || known.retry === 'never',
    details: [details],
  });
}

interface FailureContext {
  readonly checkpointStep?: number | undefined;
  readonly log?: readonly string[];
  readonly runLog?: StoredContent | undefined;
  readonly isFinal?: boolean;
}

/** A shutdown is nobody's failure: the task goes back to the queue at once. */
export function handBack(checkpointStep?: number): Error {
  return ApplicationFailure.create({
    message: 'The worker shut down and handed the task back',
    type: 'WORKER_SHUTDOWN',
    nonRetryable: false,
    nextRetryDelay: 100,
    details: [{ code: 'WORKER_SHUTDOWN', ...(checkpointStep !== undefined && { checkpointStep }) }],
  });
}

/** Where the failure happened, for the worker's log: the stacks of the error and of what caused it. */
export function traceOf(error: unknown, secrets: readonly string[]): string {
  const stacks: string[] = [];
  for (let at = error; at instanceof Error && stacks.length < deepestCause; at = at.cause)
    stacks.push(at.stack ?? at.message);
  return redact(stacks.join('\ncaused by '), secrets, longestTrace);
}

const deepestCause = 5;
const longestTrace = 10_000;

/** By the table where the error is known there. */
export function codeOf(error: unknown): FailureCode {
  if (error instanceof FurrowError) return error.code;
  return isDiskFull(error) ? 'STORE_FULL' : 'INTERNAL';
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause =
    error.cause instanceof Error && !error.message.includes(error.cause.message) ? ` (${error.cause.message})` : '';
  return `${error instanceof FurrowError ? '' : `${error.name}: `}${error.message}${cause}`;
}

/** Details longer than this are dropped whole: a cut list would look like the whole one. */
const longestDetails = 16_000;

function cleanDetails(details: JsonObject, secrets: readonly string[]): JsonObject {
  const clean = redactJson(details, secrets);
  return JSON.stringify(clean).length <= longestDetails ? clean : { detailsDropped: 'too long for history' };
}
