import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { FurrowError } from '../contract/errors.ts';
import type { RunRecord, TrainPipelineResult } from '../contract/messages.ts';
import { runPage, type TemporalTarget } from '../lib/connection/connection.ts';
import { exitCodes, isServerGone, type Output } from './output.ts';
import { progressPrinter } from './progressLines.ts';
import { failureLines, heldAnswer, heldLines, readRunFailure } from './runFailure.ts';
import { lookAtRun } from './runProgress.ts';
import { trackingLine } from './trackingLine.ts';

export interface FollowedRun {
  readonly client: Client;
  readonly target: TemporalTarget;
  readonly workflowId: string;
  readonly runId: string;
  /** What Ctrl-C leaves behind, where it is not the usual. */
  readonly detachedLines?: readonly string[];
  /** Detaches as Ctrl-C does. */
  readonly leave?: AbortSignal;
}

/** Milliseconds between two looks at a run; the first comes sooner, as a cached run is over at once. */
const firstLook = 500;
const lookEvery = 1000;

/** Shows a run until it ends, or waits for a person. Ctrl-C leaves it running. */
export async function follow(run: FollowedRun, output: Output): Promise<number> {
  const { client, target, workflowId, runId } = run;
  const page = target.ui && runPage(target.ui, target.namespace, workflowId, runId);
  const place = { workflowId, runId, ...(page && { page }) };
  const printer = progressPrinter(output);
  const left = new AbortController();
  const detached = onInterrupt(left.signal, run.leave);
  const ended = client.workflow
    .getHandle(workflowId, runId)
    .result()
    .then(
      (result: TrainPipelineResult) => ({ kind: 'finished' as const, result }),
      (error: unknown) => ({ kind: 'failed' as const, error }),
    );
  let planned: RunRecord | undefined;
  let hold: (record: RunRecord) => void = () => {};
  const held = new Promise<{ kind: 'held'; record: RunRecord }>((resolve) => {
    hold = (record) => resolve({ kind: 'held', record });
  });
  const watching = watch();
  try {
    const outcome = await Promise.race([ended, detached, held]);
    printer.clear();
    if (outcome.kind === 'detached') {
      output.answer(
        { ...place, status: 'running', detached: true },
        () => run.detachedLines ?? detachedLines(workflowId),
      );
      return exitCodes.detached;
    }
    if (outcome.kind === 'held') {
      output.answer({ ...place, ...heldAnswer(outcome.record) }, () => heldLines(outcome.record, page));
      return exitCodes.held;
    }
    if (outcome.kind === 'finished') {
      const wandb = await shownAt().catch(() => undefined);
      output.answer({ ...place, ...outcome.result, ...(wandb && { wandb }) }, () => [
        ...printer.resultLines(outcome.result, page),
        ...(wandb ? [wandb] : []),
      ]);
      return exitCodes.ok;
    }
    if (isServerGone(outcome.error)) {
      throw new FurrowError(
        'SERVER_UNREACHABLE',
        `Temporal went away; the run goes on when it is back, and \`furrow watch ${workflowId}\` shows it`,
        { cause: outcome.error },
      );
    }
    const failure = readRunFailure(outcome.error);
    output.answer({ ...place, status: failure.status, failure }, () => failureLines(failure, workflowId, page));
    return exitCodes.failed;
  } finally {
    left.abort();
    await watching;
  }

  /** Where trackers show it; that there is no key was said before. */
  async function shownAt(): Promise<string | undefined> {
    const record = planned ?? (await lookAtRun({ client, namespace: target.namespace, workflowId, runId })).record;
    return record?.tracking && record.tracking.mode !== 'disabled'
      ? trackingLine(client, { ...record, status: 'finished' })
      : undefined;
  }

  async function watch(): Promise<void> {
    const gone = new Promise<undefined>((resolve) => left.signal.addEventListener('abort', () => resolve(undefined)));
    for (let wait = firstLook; ; wait = lookEvery) {
      await sleep(wait, undefined, { signal: left.signal }).catch(() => {});
      if (left.signal.aborted) return;
      // A look may fail while a worker restarts; the next one says all that this one would have said.
      const look = lookAtRun({ client, namespace: target.namespace, workflowId, runId }).catch(() => undefined);
      const seen = await Promise.race([look, gone]);
      if (left.signal.aborted) return;
      if (seen?.record?.config) planned = seen.record;
      if (seen) printer.show(seen);
      if (seen?.record?.status === 'held') return hold(seen.record);
    }
  }
}

function detachedLines(workflowId: string): string[] {
  return [
    'Detached; the run goes on.',
    `furrow watch ${workflowId} follows it again, furrow show ${workflowId} says where it is.`,
  ];
}

/** The first Ctrl-C detaches; a second one, should that hang, ends the process as ever. */
function onInterrupt(left: AbortSignal, leave?: AbortSignal): Promise<{ kind: 'detached' }> {
  return new Promise((resolve) => {
    const onSignal = () => resolve({ kind: 'detached' });
    if (leave?.aborted) onSignal();
    leave?.addEventListener('abort', onSignal);
    process.once('SIGINT', onSignal);
    left.addEventListener('abort', () => process.off('SIGINT', onSignal));
  });
}
