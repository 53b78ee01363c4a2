import type { Client } from '@temporalio/client';
import type { RunRecord, TrainPipelineResult } from '../contract/messages.ts';
import { runPage, type TemporalTarget } from '../lib/connection/connection.ts';
import { exitCodes, type Output, shortNumber } from './output.ts';
import { progressPrinter, resultLines } from './progressLines.ts';
import { failureLines, readRunFailure } from './runFailure.ts';
import { liveStages, runProgress } from './runProgress.ts';

export interface FollowedRun {
  readonly client: Client;
  readonly target: TemporalTarget;
  readonly workflowId: string;
  readonly runId: string;
}

/** Milliseconds between two looks at a run; the first comes sooner, as a cached run is over at once. */
const firstLook = 250;
const lookEvery = 1000;

/** Shows a run until it ends. Ctrl-C leaves it running. */
export async function follow(run: FollowedRun, output: Output): Promise<number> {
  const { client, target, workflowId, runId } = run;
  const handle = client.workflow.getHandle(workflowId, runId);
  const page = target.ui && runPage(target.ui, target.namespace, workflowId, runId);
  const place = { workflowId, runId, ...(page && { page }) };
  const detached = new AbortController();
  const onSignal = () => detached.abort();
  process.once('SIGINT', onSignal);
  const end = handle.result().then(
    (result: TrainPipelineResult) => ({ kind: 'finished' as const, result }),
    (error: unknown) => ({ kind: 'failed' as const, error }),
  );
  const printer = progressPrinter(output);
  try {
    for (let wait = firstLook; ; wait = lookEvery) {
      const outcome = await Promise.race([end, pause(wait, detached.signal)]);
      if (detached.signal.aborted) {
        printer.clear();
        output.answer({ ...place, status: 'running', detached: true }, () => [
          `Detached; the run goes on. furrow watch ${workflowId} shows it again, furrow show ${workflowId} where it is.`,
        ]);
        return exitCodes.detached;
      }
      if (outcome?.kind === 'finished') {
        printer.clear();
        output.answer({ ...place, ...outcome.result }, () => resultLines(outcome.result, page));
        return exitCodes.ok;
      }
      if (outcome?.kind === 'failed') {
        printer.clear();
        const failure = readRunFailure(outcome.error);
        output.answer({ ...place, status: failure.status, failure }, () => failureLines(failure, workflowId, page));
        return exitCodes.failed;
      }
      // A look may fail while a worker restarts; the next one says all that this one would have said.
      const record = await runProgress(handle).catch((): RunRecord | undefined => undefined);
      const live = await liveStages(client, workflowId, runId).catch(() => new Map());
      if (record) printer.show(record, live);
    }
  } finally {
    process.off('SIGINT', onSignal);
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve(undefined);
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener('abort', done);
  });
}

export { shortNumber };
