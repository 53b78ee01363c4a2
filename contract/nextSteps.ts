import type { RunRecord } from './messages.ts';

/** A command that a person can run now, and what comes of it. */
export interface NextStep {
  readonly command: string;
  readonly effect: string;
}

/** What a run waits for a person to do, or what can be done about its end: the same in the command, in `--json` and in the Temporal UI. */
export function nextSteps({ run, status, stages }: RunRecord): readonly NextStep[] {
  const { workflowId } = run;
  const approvals = stages
    .filter((stage) => stage.status === 'held')
    .map(({ name }) => ({ command: `furrow approve ${workflowId} ${name}`, effect: `lets ${name} start` }));
  const failed = stages.filter((stage) => stage.status === 'failed');
  if (status === 'paused') return [{ command: `furrow resume ${workflowId}`, effect: 'lets it go on' }, ...approvals];
  if (status === 'running' || status === 'held') {
    const retries = failed.map(({ name }) => ({
      command: `furrow retry ${workflowId} ${name}`,
      effect: `replays ${name} and what depends on it; \`--set ${name}.PARAMETER=VALUE\` changes a parameter first`,
    }));
    return [...approvals, ...retries];
  }
  if (status === 'finished') return [];
  return [{ command: `furrow retry ${workflowId}`, effect: 'goes on from what is finished' }];
}
