import {
  type ChildWorkflowHandle,
  ParentClosePolicy,
  startChild,
  type Workflow,
  workflowInfo,
} from '@temporalio/workflow';
import { type Plan, type RunRecord, trackSignal, trackWorkflowId, trackWorkflowType } from '../contract/messages.ts';

/** Trackers of one run that may have ended before it, by somebody's hand or with a reset. */
const mostStarts = 10;

/**
 * Tells the workflow that sends a run to its tracker that there is more to send, and starts it first. Nothing that goes wrong with
 * it reaches the run.
 */
export function trackerOf() {
  let starts = 0;
  let child: ChildWorkflowHandle<Workflow> | undefined;
  let told = '';
  return async (plan: Plan, record: RunRecord, sequence: number): Promise<void> => {
    if (!plan.tracking || plan.tracking.mode === 'disabled') return;
    const now = shownState(record);
    if (now === told) return;
    told = now;
    while (starts <= mostStarts) {
      try {
        if (!child) {
          starts++;
          child = await start(plan, record, starts);
        }
        await child.signal(trackSignal, sequence);
        return;
      } catch {
        // It has ended, or one of its name goes on from before a reset: another takes its place.
        child = undefined;
        if (starts === mostStarts) return;
      }
    }
  };
}

function start(
  { store, baseFolder }: Plan,
  { run }: RunRecord,
  number: number,
): Promise<ChildWorkflowHandle<Workflow>> {
  return startChild(trackWorkflowType, {
    args: [{ run, store, baseFolder }],
    workflowId: trackWorkflowId(run.workflowId, workflowInfo().firstExecutionRunId, number),
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    staticSummary: `what ${run.workflowId} has to show, sent to its tracker`,
  });
}

/** What a tracker is shown changes with it: a training that has ended, the run's own end. */
function shownState({ status, stages }: RunRecord): string {
  const ended = stages.filter(({ status }) => ['finished', 'cached', 'failed'].includes(status));
  return [status, ...ended.map(({ name, status, replay }) => `${name} ${status} ${replay}`)].join();
}
