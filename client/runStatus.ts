import { isOpen, type RunStatus } from '../contract/messages.ts';

/**
 * Temporal's word for how an execution stands, in ours: one word in every command.
 *
 * @param own what the run itself says: Temporal does not know that one is held
 */
export function statusOf(temporal: string, own?: RunStatus): RunStatus {
  if (temporal === 'RUNNING' || temporal === 'CONTINUED_AS_NEW' || temporal === 'PAUSED')
    return own && isOpen(own) ? own : 'running';
  if (temporal === 'COMPLETED') return 'finished';
  return temporal === 'CANCELLED' ? 'cancelled' : 'failed';
}

/** The query for executions of this status. */
export function statusQuery(status: RunStatus): string {
  // One that is not planned yet has said nothing.
  if (status === 'running') return "ExecutionStatus = 'Running' AND (FurrowStatus IS NULL OR FurrowStatus = 'running')";
  if (isOpen(status)) return `ExecutionStatus = 'Running' AND FurrowStatus = '${status}'`;
  if (status === 'finished') return "ExecutionStatus = 'Completed'";
  if (status === 'cancelled') return "ExecutionStatus = 'Canceled'";
  return "(ExecutionStatus = 'Failed' OR ExecutionStatus = 'Terminated' OR ExecutionStatus = 'TimedOut')";
}
