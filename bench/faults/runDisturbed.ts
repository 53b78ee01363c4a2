/** One run of the pipeline on a fresh store: what is done to it, how it ends, and what it leaves behind. */
import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import type { RunRecord, TrainPipelineResult } from '../../contract/messages.ts';
import type { TestFurrow } from '../../test/harness/furrow.ts';
import { pendingActivities } from '../../test/harness/pending.ts';
import { finishedTwice } from './finishedTwice.ts';
import { type Disturbed, endWorker, inflict, untilTraining } from './inflict.ts';
import { type Kind, needsTraining } from './kinds.ts';
import { type LeftBehind, leftBehind } from './leftBehind.ts';
import { type Digests, digestsOf, startPipeline } from './pipeline.ts';
import { makePlace, type Place } from './place.ts';
import type { Plan } from './plan.ts';
import type { Keys, LostWork } from './trainings.ts';
import { Watch } from './watch.ts';

export interface Inflicted {
  readonly kind: Kind;
  /** Seconds since the run began; undefined where the run was over before. */
  readonly at: number | undefined;
}

export interface RunResult {
  readonly faults: readonly Inflicted[];
  readonly seconds: number;
  readonly resumes: number;
  /** What each end of a training took with it. */
  readonly repeated: readonly LostWork[];
  /** Seconds from when all was there again, a worker too, to each training going on. */
  readonly recoveries: readonly number[];
  /** Seconds that workers took to end when told to. */
  readonly endings: readonly number[];
  readonly finishedTwice: readonly string[];
  /** What should not have happened: it hung, it failed, a worker did not end. */
  readonly problems: readonly string[];
  /** Absent when the run did not finish. */
  readonly digests?: Digests;
  readonly keys: Keys;
  readonly left: LeftBehind;
  /** Of all its workers. */
  readonly log: string;
}

export interface RunOptions {
  readonly furrow: TestFurrow;
  readonly product: string;
  /** Of its folder. */
  readonly name: string;
  readonly plan: Plan;
  readonly keys: Keys;
}

/** Milliseconds; undisturbed it takes 40 seconds. What takes longer hangs. */
const runLimit = 10 * 60_000;

export async function runDisturbed({ furrow, product, name, plan, keys }: RunOptions): Promise<RunResult> {
  const chosen = plan.map(({ kind }) => kind);
  const place = await makePlace(furrow, product, name, chosen);
  let watch: Watch | undefined;
  try {
    const worker = await place.startWorker();
    const handle = await startPipeline(furrow, place.store);
    watch = new Watch(handle);
    watch.follow(worker);
    let over = false;
    const isOver = () => over;
    const [repeated, endings, problems]: [LostWork[], number[], string[]] = [[], [], []];
    const run: Disturbed = { furrow, place, keys, watch, worker, isOver, repeated, endings, problems };
    const started = performance.now();
    const disturbing = disturb(run, plan);
    const result = await endOf(handle, furrow, problems);
    const seconds = (performance.now() - started) / 1000;
    over = true;
    const faults = await disturbing;
    await watch.stop();
    const record = await furrow.progress(handle).catch(() => undefined);
    const twice = result && record ? await finishedTwice(handle, record, place.store, watch.resumes) : [];
    await endWorker(run, run.worker);
    return {
      ...{ faults, seconds, repeated, endings, problems, finishedTwice: twice },
      resumes: watch.resumes.length,
      recoveries: watch.recoveries.map((each) => each.seconds),
      ...(result && { digests: digestsOf(result) }),
      keys: keysOf(record),
      left: await leftBehind(furrow, product, place),
      log: logsOf(place),
    };
  } finally {
    await watch?.stop();
    await place.remove();
  }
}

/** One fault after another; gives when each was inflicted. */
async function disturb(run: Disturbed, plan: Plan): Promise<Inflicted[]> {
  const began = performance.now();
  const inflicted: Inflicted[] = [];
  for (const fault of plan) {
    const { kind, after, into } = fault;
    await patiently(run, after);
    const needed = needsTraining.has(kind);
    const found = needed ? await untilTraining(run) : undefined;
    if (found) await patiently(run, into - (Date.now() - found.since) / 1000);
    // It may be another one by now.
    const training = found && (await untilTraining(run));
    if (run.isOver() || (needed && !training)) {
      inflicted.push({ kind, at: undefined });
      continue;
    }
    inflicted.push({ kind, at: (performance.now() - began) / 1000 });
    const failed = (error: Error) => void run.problems.push(`${kind}: ${error.message}`);
    await inflict[kind](run, fault, training ?? { stage: 'convnet', pid: 0, since: 0 }).catch(failed);
  }
  return inflicted;
}

async function patiently({ isOver }: Disturbed, seconds: number): Promise<void> {
  const until = performance.now() + seconds * 1000;
  while (!isOver() && performance.now() < until) await sleep(Math.min(100, Math.max(1, until - performance.now())));
}

/** Undefined, with the reason among the problems, when it fails or hangs. */
async function endOf(
  handle: WorkflowHandle,
  furrow: TestFurrow,
  problems: string[],
): Promise<TrainPipelineResult | undefined> {
  const deadline = performance.now() + runLimit;
  for (;;) {
    const late = new AbortController();
    const limit = sleep(Math.max(0, deadline - performance.now()), 'late' as const, { signal: late.signal });
    limit.catch(() => {});
    try {
      const result = await Promise.race([handle.result() as Promise<TrainPipelineResult>, limit]);
      if (result !== 'late') return result;
      problems.push(`it hung: ${await whereItIs(handle, furrow)}`);
      await handle.terminate('it hung');
      return undefined;
    } catch (error) {
      if (error instanceof WorkflowFailedError) {
        problems.push(`it failed: ${error.cause?.message ?? error.message}; ${await whereItIs(handle, furrow)}`);
        return undefined;
      }
      // Temporal is away.
      await sleep(500);
    } finally {
      late.abort();
    }
  }
}

async function whereItIs(handle: WorkflowHandle, furrow: TestFurrow): Promise<string> {
  const pending = await pendingActivities(handle).catch(() => []);
  const record = await furrow.progress(handle).catch(() => undefined);
  const stages = record?.stages.map(({ name, status, notice, failure }) => ({ name, status, notice, failure }));
  return JSON.stringify({ stages, pending });
}

function keysOf(record: RunRecord | undefined): Keys {
  return Object.fromEntries((record?.stages ?? []).flatMap(({ name, key }) => (key ? [[name, key]] : [])));
}

function logsOf({ workers }: Place): string {
  return workers.map((worker) => `--- worker ${worker.pid}\n${worker.log()}`).join('\n');
}
