import { DefaultFailureConverter, type PayloadConverter, type ProtoFailure } from '@temporalio/common';
import { redact } from '../contract/redact.ts';

/** Characters of a stack trace that history keeps: the first few frames, by which a fault is found. */
const longestStack = 1200;

/**
 * The last net before history, on every side that speaks to the server: failures without what looks like a secret, cut to size.
 * Whoever threw has replaced the secrets that it knew already.
 */
class RedactingFailureConverter extends DefaultFailureConverter {
  override errorToFailure(error: unknown, payloadConverter: PayloadConverter): ProtoFailure {
    return clean(super.errorToFailure(error, payloadConverter));
  }
}

function clean(failure: ProtoFailure): ProtoFailure {
  if (failure.message) failure.message = redact(failure.message);
  if (failure.stackTrace) failure.stackTrace = redact(failure.stackTrace, [], longestStack);
  if (failure.cause) failure.cause = clean(failure.cause);
  return failure;
}

export const failureConverter = new RedactingFailureConverter();
