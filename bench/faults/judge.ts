/** What is wrong with a run: all that makes the bench fail. */
import type { Digests } from './pipeline.ts';
import type { RunResult } from './runDisturbed.ts';

/** The stages whose output differs from that of the undisturbed run. */
export function differences({ digests }: RunResult, reference: Digests): string[] {
  if (!digests) return [];
  return Object.keys(reference).filter((stage) => digests[stage] !== reference[stage]);
}

export function faultsOf(result: RunResult, reference: Digests): string[] {
  const { problems, left } = result;
  return [
    ...problems,
    ...result.finishedTwice,
    ...differences(result, reference).map((stage) => `${stage} differs from the undisturbed run`),
    ...left.processes.map((each) => `process left behind: ${each}`),
    ...left.temporary.map((each) => `temporary file left behind: ${each}`),
    ...left.halfWritten.map((each) => `left behind in the store: ${each}`),
    ...left.openRuns.map((each) => `run left open: ${each}`),
  ];
}
