import { defineSearchAttributeKey, SearchAttributeType, type SearchAttributeUpdatePair } from '@temporalio/common';
import {
  CancellationScope,
  condition,
  proxyLocalActivities,
  setCurrentDetails,
  upsertMemo,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import { isOpen, type Plan, type RunRecord, type RunStatus, type StoreLocation } from '../contract/messages.ts';
import { runDetails } from './details.ts';
import { retryOf } from './retry.ts';
import type { RunState } from './runState.ts';
import { trackerOf } from './tracker.ts';

const { saveRecord } = proxyLocalActivities<{
  saveRecord(store: StoreLocation, record: RunRecord, sequence: number): Promise<string>;
}>({
  startToCloseTimeout: '1 minute',
  summary: 'the run record, for the store',
  retry: retryOf('query'),
});

const keyword = (name: string) => defineSearchAttributeKey(name, SearchAttributeType.KEYWORD);
const attributes = {
  pipeline: keyword('FurrowPipeline'),
  status: keyword('FurrowStatus'),
  dataset: keyword('FurrowDataset'),
  model: keyword('FurrowModel'),
  code: keyword('FurrowCode'),
  metric: defineSearchAttributeKey('FurrowMetric', SearchAttributeType.DOUBLE),
};

/** Digits of a digest that a person compares. */
const shortDigest = (digest: string) => digest.replace('sha256:', '').slice(0, 12);

/** What lists of runs can be searched by, once the config is resolved; again when a retry has changed it. */
function showPlan(plan: Plan): void {
  upsertSearchAttributes([
    { key: attributes.pipeline, value: plan.pipeline.name },
    { key: attributes.code, value: shortDigest(plan.code) },
  ]);
  upsertMemo({
    pipeline: plan.pipeline.name,
    ...(plan.pipeline.description && { description: plan.pipeline.description }),
    config: plan.configDigest,
    seed: plan.pipeline.seed,
    store: plan.store.uri,
  });
}

/** What lists of runs can be searched by, at the end. */
export function showEnd(record: RunRecord): void {
  const dataset = record.stages.find((stage) => stage.source)?.source?.digest;
  const registered = record.stages.find((stage) => stage.artifact?.kind === 'model-version')?.facts;
  const pairs: SearchAttributeUpdatePair[] = [{ key: attributes.status, value: record.status }];
  if (dataset) pairs.push({ key: attributes.dataset, value: shortDigest(dataset) });
  if (registered) pairs.push({ key: attributes.model, value: `${registered.model}:${registered.version}` });
  if (record.headline) pairs.push({ key: attributes.metric, value: record.headline.value });
  upsertSearchAttributes(pairs);
}

/** Milliseconds that changes are collected for. A save holds up what the same workflow task would start. */
const settleTime = 1000;

/**
 * Shows every change in the Temporal UI and saves it to the store: one save at a time, the newest state each time, so that a
 * quick run writes few. A store that is away does not stop the run; the next save says all that this one would have said.
 */
export function recordKeeper(state: () => RunState) {
  let shownPlan: Plan | undefined;
  let shownStatus: RunStatus | undefined;
  let saved = 0;
  /** The last that was tried: a store that is away is tried again with the next change, and at the end. */
  let tried = 0;
  let closing = false;
  let place: string | undefined;
  const track = trackerOf();
  const save = async () => {
    const current = state();
    const { plan, sequence } = current;
    if (!plan) return;
    const record = current.record();
    tried = sequence;
    try {
      place = await saveRecord(plan.store, record, sequence);
    } catch {
      return;
    }
    saved = sequence;
    await track(plan, record, sequence);
  };
  const loop = CancellationScope.nonCancellable(async () => {
    while (!closing) {
      await condition(() => closing || (state().plan !== undefined && state().sequence > tried));
      if (!closing) await condition(() => closing, settleTime);
      if (!closing) await save();
    }
  });
  return {
    show(): void {
      const { plan } = state();
      const record = state().record();
      setCurrentDetails(runDetails(record));
      if (!plan) return;
      if (plan !== shownPlan) showPlan(plan);
      shownPlan = plan;
      // The last one goes with what else is known at the end.
      if (record.status !== shownStatus && isOpen(record.status))
        upsertSearchAttributes([{ key: attributes.status, value: record.status }]);
      shownStatus = record.status;
    },
    /** Waits until the last state is saved, and says where; undefined when it could not be. */
    async close(): Promise<string | undefined> {
      closing = true;
      await CancellationScope.nonCancellable(async () => {
        await loop;
        if (state().sequence > saved) await save();
      });
      return saved >= state().sequence ? place : undefined;
    },
  };
}
