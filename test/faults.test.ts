import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CancelledFailure } from '@temporalio/client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Digest } from '../contract/artifact.ts';
import { FurrowError } from '../contract/errors.ts';
import type { TrainPipelineResult } from '../contract/messages.ts';
import { mainQueue, trainQueue } from '../contract/queues.ts';
import { defineStage, implementStage } from '../contract/stage.ts';
import { processMemory } from '../lib/models/child/memory.ts';
import { checkpointFolder } from '../lib/store/names.ts';
import { builtCode, type TestFurrow } from './harness/furrow.ts';
import { pendingActivities } from './harness/pending.ts';
import { runs } from './harness/product.ts';
import { needsSignals } from './harness/signals.ts';
import { type TrainingScene, training, trainingScene } from './harness/trainingScene.ts';
import { until } from './harness/until.ts';

let scene: TrainingScene;
let furrow: TestFurrow;

beforeAll(async () => {
  scene = await trainingScene();
  furrow = scene.furrow;
});
afterEach(() => scene?.killWorkers());
afterAll(() => scene?.close());

describe('a training', () => {
  beforeEach(needsSignals);

  it('whose worker and child are killed goes on from its checkpoint on the next worker, to the same bytes', async () => {
    const first = await scene.worker();
    const handle = await furrow.start(training('worker-killed'));
    const child = await scene.inTraining(handle, first);
    await first.kill();
    process.kill(child, 'SIGKILL');
    await scene.worker();
    expect(await scene.expectSameModel(handle)).toBeGreaterThan(0);
  });

  it('whose worker alone is killed leaves no child behind', async () => {
    const first = await scene.worker();
    const handle = await furrow.start(training('orphaned'));
    const child = await scene.inTraining(handle, first);
    await first.kill();
    await until('the child ends by itself', () => !runs(child));
    await handle.terminate('seen');
  });

  it('whose child is killed goes on in another, to the same bytes', async () => {
    const first = await scene.worker();
    const handle = await furrow.start(training('child-killed'));
    const child = await scene.inTraining(handle, first);
    process.kill(child, 'SIGKILL');
    expect(await scene.expectSameModel(handle)).toBeGreaterThan(0);
    expect(first.log()).toMatch(/going on from step [1-9]/);
  });

  it.each(['SIGSEGV', 'SIGABRT'] as const)(
    'whose child crashes by %s goes on in another, to the same bytes',
    async (signal) => {
      const first = await scene.worker();
      const handle = await furrow.start(training(`crashed-${signal}`));
      process.kill(await scene.inTraining(handle, first), signal);
      expect(await scene.expectSameModel(handle)).toBeGreaterThan(0);
    },
  );

  it('whose child hangs is killed after `stallTimeout` and goes on in another, to the same bytes', async () => {
    const first = await scene.worker();
    const handle = await furrow.start(training('hangs'), { set: { 'model.stallTimeout': '2s' } });
    process.kill(await scene.inTraining(handle, first), 'SIGSTOP');
    expect(await scene.expectSameModel(handle)).toBeGreaterThan(0);
    expect(first.log()).toContain('made no progress for 2 s');
  });

  it('whose child gets no memory trains in another, to the same bytes', async (context) => {
    const first = await scene.worker();
    const handle = await furrow.start(training('hungry'));
    // As it loads TensorFlow; later a network this small asks for no more.
    const [child, addresses] = await until('the child has Node loaded', () => {
      const [pid] = first.children();
      const taken = pid === undefined ? undefined : processMemory(pid)?.addresses;
      return pid !== undefined && taken !== undefined && taken > 500 << 20 && ([pid, taken] as const);
    });
    const limited = spawnSync('prlimit', ['--pid', String(child), `--as=${addresses + (300 << 20)}`]);
    context.skip(limited.status !== 0, 'no prlimit here, which limits a process that runs');
    await scene.expectSameModel(handle);
    // Native code may end before it can say why.
    expect(first.log()).toMatch(/ran out of memory|ended by signal SIG(ABRT|SEGV|TRAP)/);
  });

  it('survives the end of its worker, its child and Temporal at once, to the same bytes', async () => {
    const first = await scene.worker();
    const handle = await furrow.start(training('all-three'));
    const child = await scene.inTraining(handle, first);
    await first.kill();
    process.kill(child, 'SIGKILL');
    await furrow.crashServer();
    await scene.worker();
    expect(await scene.expectSameModel(handle)).toBeGreaterThan(0);
  });

  it('is handed back by a worker that is told to end, and goes on from there on the next, to the same bytes', async () => {
    const first = await scene.worker();
    const handle = await furrow.start(training('drained'));
    const child = await scene.inTraining(handle, first);
    expect(await first.terminate()).toBe(0);
    expect(runs(child)).toBe(false);
    const [handedBack] = await pendingActivities(handle);
    expect(handedBack?.lastFailure).toBe('WORKER_SHUTDOWN');
    await scene.worker();
    expect(await scene.expectSameModel(handle)).toBeGreaterThan(0);
  });

  it('that is cancelled ends, leaves its checkpoint and no process; the next run goes on from there', async () => {
    // Far longer than a cancel takes to arrive.
    const long = { set: { 'stages.model.with.epochs': 50_000 } };
    const first = await scene.worker();
    const handle = await furrow.start(training('cancelled'), long);
    const child = await scene.inTraining(handle, first);
    await handle.cancel();
    await expect(handle.result()).rejects.toMatchObject({ cause: expect.any(CancelledFailure) });
    expect(runs(child)).toBe(false);
    const record = await furrow.progress(handle);
    expect(record).toMatchObject({ status: 'cancelled', stages: [{}, {}, { name: 'model', status: 'cancelled' }] });
    const { driver } = await scene.store('cancelled');
    expect(await driver.list(checkpointFolder(record.stages[2]?.key as Digest))).not.toEqual([]);

    const again = await furrow.start(training('cancelled'), long);
    await until('the next run goes on', () => /going on from step [1-9]/.test(first.log()));
    expect((await furrow.progress(again)).stages[1]?.status).toBe('cached');
    await again.terminate('seen');
  });
});

describe('a worker with other code', () => {
  it('hands the task back for all to see, until one with the code of the run takes it', async () => {
    const main = await furrow.work([mainQueue]);
    const other = await furrow.work([trainQueue], await builtCode([], { pass: `sha256:${'0'.repeat(64)}` }));
    const handle = await furrow.start(
      'name: other\nstore: stores/other\nstages: { only: { uses: pass, queue: train-gpu, attempts: 1 } }\n',
    );
    const { stages } = await furrow.until(handle, (record) => record.stages[0]?.notice !== undefined);
    expect(stages[0]).toMatchObject({ status: 'running', notice: expect.stringContaining("the run's code") });
    other.shutdown();
    await other.done;
    const right = await furrow.work([trainQueue]);
    expect(await handle.result()).toMatchObject({ status: 'finished', stages: { only: { cached: false } } });
    for (const each of [main, right]) {
      each.shutdown();
      await each.done;
    }
  });

  it('of the main queue looks nothing up for a run of other code, and lets its own workers go on', async () => {
    const planner = await furrow.work([mainQueue]);
    const handle = await furrow.start(
      `name: rolling
store: stores/rolling
stages:
  first: { uses: pass, queue: train-gpu }
  second: { uses: pass, needs: [first], queue: train-gpu }
`,
    );
    await furrow.until(handle, (record) => record.stages[0]?.status === 'running');
    planner.shutdown();
    await planner.done;
    const newer = await furrow.work([mainQueue], await builtCode([], { pass: `sha256:${'0'.repeat(64)}` }));
    const right = await furrow.work([trainQueue]);
    expect(await handle.result()).toMatchObject({ status: 'finished', stages: { second: { cached: false } } });
    for (const each of [newer, right]) {
      each.shutdown();
      await each.done;
    }
  });
});

describe('a stage that runs out of memory', () => {
  /** Each attempt ends for want of memory; those that `advances` names leave a checkpoint before. */
  const greedy = (advances: readonly number[], tried: number[]) =>
    implementStage(
      defineStage({
        name: 'greedy',
        kind: 'pure',
        summary: 'Wants more memory than there is.',
        params: z.strictObject({}),
        inputs: {},
        output: 'model',
        work: 'training',
      }),
      {
        async run({ attempt, checkpoints, scratch }) {
          tried.push(attempt);
          if (advances.includes(attempt)) {
            const file = join(scratch, 'checkpoint');
            await writeFile(file, 'state');
            await checkpoints.commit(attempt * 10, file);
          }
          throw new FurrowError('CHILD_OUT_OF_MEMORY', 'The child process ran out of memory');
        },
      },
    );

  it.each([
    { advances: [], ends: [1, 2] },
    { advances: [1, 2], ends: [1, 2, 3] },
  ])('is tried once more after each checkpoint, and no more: $ends', async ({ advances, ends }) => {
    const tried: number[] = [];
    const running = await furrow.work([mainQueue], await builtCode([greedy(advances, tried)]));
    const handle = await furrow.start(
      `name: greedy\nstore: stores/greedy${ends.length}\nstages: { only: { uses: greedy } }\n`,
    );
    await expect(handle.result()).rejects.toThrow();
    const { stages } = await furrow.progress(handle);
    expect(stages[0]).toMatchObject({ status: 'failed', failure: { code: 'CHILD_OUT_OF_MEMORY' } });
    expect(tried).toEqual(ends);
    running.shutdown();
    await running.done;
  });
});

describe('a run', () => {
  it('outlives its server: killed and started on the same database, it goes on where it was', async () => {
    await scene.worker();
    const handle = await furrow.start(`
name: outlives
store: stores/outlives
stages:
  before: { uses: pass, with: { label: before } }
  during: { uses: pass, needs: [before], with: { label: during, seconds: 4 } }
  after: { uses: pass, needs: [during], with: { label: after } }
`);
    await until('the stage is under way', async () =>
      (await pendingActivities(handle)).some(({ activityId, heartbeat }) => activityId === 'during#1' && heartbeat),
    );
    await furrow.crashServer();
    const result = (await handle.result()) as TrainPipelineResult;
    expect(Object.values(result.stages).map(({ cached }) => cached)).toEqual([false, false, false]);
  });
});
