import { ApplicationFailure } from '@temporalio/workflow';

/** Refused before it is in history, or ended without an effect: the run itself goes on. */
export function refusal(message: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(message, 'WRONG_STATE');
}
