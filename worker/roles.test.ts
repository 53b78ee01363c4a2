import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { trainQueue } from '../contract/queues.ts';
import { type TestFurrow, testFurrow } from '../test/harness/furrow.ts';
import { historyJson } from '../test/harness/history.ts';
import { installProduct, spawnWorker, type WorkerProcess } from '../test/harness/product.ts';

let furrow: TestFurrow;
let product: string;
let worker: WorkerProcess | undefined;

beforeAll(async () => {
  furrow = await testFurrow();
  product = installProduct(furrow.folder);
});
afterEach(async () => {
  await worker?.terminate();
  worker = undefined;
});
afterAll(() => furrow?.close());

/** Two stages that are free to run at once, as far as the pipeline is concerned. */
const trainings = (label: string, seconds: number) => `
name: parallel
store: stores/parallel
stages:
  one: { uses: pass, queue: ${trainQueue}, with: { label: ${label}-1, seconds: ${seconds} } }
  two: { uses: pass, queue: ${trainQueue}, with: { label: ${label}-2, seconds: ${seconds} } }
`;

describe('a worker program', () => {
  it('trains one at a time, whatever waits', async () => {
    worker = await spawnWorker(furrow, product);
    const runs = await Promise.all(['a', 'b'].map((label) => furrow.start(trainings(label, 0.3))));
    await Promise.all(runs.map((run) => run.result()));
    const times = (await Promise.all(runs.map(activityTimes))).flat();
    expect(times).toHaveLength(4);
    expect(mostAtOnce(times)).toBe(1);
  });

  it('trains as many at once as it is told, and no more', async () => {
    worker = await spawnWorker(furrow, product, { args: ['--parallel-trainings', '2'] });
    const runs = await Promise.all(['c', 'd'].map((label) => furrow.start(trainings(label, 1))));
    await Promise.all(runs.map((run) => run.result()));
    expect(mostAtOnce((await Promise.all(runs.map(activityTimes))).flat())).toBe(2);
  });
});

interface Span {
  readonly from: number;
  readonly to: number;
}

/** Milliseconds by the server's clock: when a worker took each of a run's trainings, and when it gave the result. */
async function activityTimes(run: WorkflowHandle): Promise<Span[]> {
  const { events } = JSON.parse(historyJson(furrow, run)) as { events: readonly HistoryEvent[] };
  const byId = new Map(events.map((event) => [event.eventId, event]));
  const at = (id?: string) => byId.get(id ?? '');
  return events.flatMap((event) => {
    const completed = event.activityTaskCompletedEventAttributes;
    const scheduled = at(completed?.scheduledEventId)?.activityTaskScheduledEventAttributes;
    if (scheduled?.taskQueue.name !== trainQueue) return [];
    return [{ from: timeOf(at(completed?.startedEventId)), to: timeOf(event) }];
  });
}

interface HistoryEvent {
  readonly eventId: string;
  readonly eventTime: string;
  readonly activityTaskScheduledEventAttributes?: { readonly taskQueue: { readonly name: string } };
  readonly activityTaskCompletedEventAttributes?: {
    readonly scheduledEventId: string;
    readonly startedEventId: string;
  };
}

function timeOf(event: HistoryEvent | undefined): number {
  return Date.parse(event?.eventTime ?? '');
}

function mostAtOnce(spans: readonly Span[]): number {
  return Math.max(...spans.map(({ from }) => spans.filter((other) => other.from <= from && from < other.to).length));
}
