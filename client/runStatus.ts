import type { RunStatus } from '../contract/messages.ts';

/** Temporal's word for how an execution stands, in ours: one word in every command. */
export function statusOf(temporal: string): RunStatus {
  if (temporal === 'RUNNING' || temporal === 'CONTINUED_AS_NEW' || temporal === 'PAUSED') return 'running';
  if (temporal === 'COMPLETED') return 'finished';
  return temporal === 'CANCELLED' ? 'cancelled' : 'failed';
}

/** The query for executions of this status. */
export function statusQuery(status: RunStatus): string {
  if (status === 'running') return "ExecutionStatus = 'Running'";
  if (status === 'finished') return "ExecutionStatus = 'Completed'";
  if (status === 'cancelled') return "ExecutionStatus = 'Canceled'";
  return "(ExecutionStatus = 'Failed' OR ExecutionStatus = 'Terminated' OR ExecutionStatus = 'TimedOut')";
}
