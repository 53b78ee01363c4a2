import { Context } from '@temporalio/activity';
import { FurrowError } from '../../contract/errors.ts';
import type { Heartbeat, RunIdentity, SendTrackingRequest, SentTracking } from '../../contract/messages.ts';
import { isOpen } from '../../contract/messages.ts';
import { runPage } from '../../lib/connection/connection.ts';
import { readSavedRecord } from '../../lib/store/runRecords.ts';
import { openStoreAt } from '../../lib/store/store.ts';
import { partsOf } from '../../lib/tracking/partsOf.ts';
import { sendPart } from '../../lib/tracking/sendPart.ts';
import { makeScratch, removeScratch } from './scratch.ts';

/** What a worker knows of the Temporal UI. */
export interface UiSettings {
  readonly ui?: string | undefined;
  readonly namespace?: string | undefined;
}

/** Milliseconds. */
const beatEvery = 4000;
/** Milliseconds that the tracker may take nothing for; then the attempt ends, and Temporal says when the next one is. */
const patienceMs = 60_000;

/** Sends what a run has to show and its tracker lacks: from the store alone, so that any worker with a key can. */
export async function sendTracking(request: SendTrackingRequest, settings: UiSettings): Promise<SentTracking> {
  const context = Context.current();
  let heartbeat: Heartbeat = { stage: 'tracking', doing: 'looking at what there is to show' };
  const say = (now: Omit<Heartbeat, 'stage'>) => {
    heartbeat = { stage: 'tracking', ...now };
    context.heartbeat(heartbeat);
  };
  const beat = setInterval(() => context.heartbeat(heartbeat), beatEvery);
  const folder = await makeScratch();
  try {
    const store = await openStoreAt(request.store);
    const { run, baseFolder, over } = request;
    const saved = await readSavedRecord(store, run.workflowId, run.runId);
    if (!saved || saved.sequence < request.sequence)
      throw new FurrowError('TRACKING_NOT_SENT', `The store does not have the newest record of ${run.workflowId} yet`);
    const { record } = saved;
    const isOver = over || !isOpen(record.status);
    const { tracking } = record;
    if (!tracking || tracking.mode === 'disabled') return { places: request.sent, over: isOver };
    const places: Record<string, string> = { ...request.sent };
    const around = { tracking, commit: record.commit, page: pageOf(settings) };
    const except = new Set(Object.keys(places));
    for await (const part of partsOf({ store, record, around, folder, over: isOver, except })) {
      const doing = `sending ${part.run.name}`;
      say({ doing });
      const { mode } = tracking;
      const signal = context.cancellationSignal;
      places[part.run.id] = await sendPart(part, {
        mode,
        folder: baseFolder,
        signal,
        patienceMs,
        onTrouble: (waits) => say({ doing, waits }),
      });
    }
    return { places, over: isOver };
  } finally {
    clearInterval(beat);
    await removeScratch(folder);
  }
}

/** The page of a run in the Temporal UI, where the worker knows one. */
export function pageOf({ ui, namespace = 'default' }: UiSettings) {
  return ({ workflowId, runId }: RunIdentity) => ui && runPage(ui, namespace, workflowId, runId);
}
