/** What may happen to the world around a training: its store, its disks, its clock, its line to Temporal. */
import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { jumpingClock } from './harness/faults/clock.ts';
import { lineTo } from './harness/faults/network.ts';
import { type SmallDisk, smallDisk } from './harness/faults/smallDisk.ts';
import type { TestFurrow } from './harness/furrow.ts';
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
beforeEach(needsSignals);
afterEach(() => scene?.killWorkers());
afterAll(() => scene?.close());

describe('a store that is away for a while', () => {
  it('costs a training its attempt at most: it ends when the store is back, to the same bytes', async () => {
    const worker = await scene.worker();
    const handle = await furrow.start(training('away'));
    await scene.inTraining(handle, worker);
    const folder = join(furrow.folder, 'stores/away');
    renameSync(folder, `${folder}.gone`);
    await untilTold(handle, 'STORE_UNAVAILABLE');
    renameSync(`${folder}.gone`, folder);
    await scene.expectSameModel(handle);
  });

  it('is waited for by a stage that has few attempts, which says so meanwhile', async () => {
    await scene.worker();
    const folder = join(furrow.folder, 'stores/waited');
    const handle = await furrow.start(`
name: waited
store: stores/waited
stages:
  first: { uses: pass, with: { seconds: 1 } }
  second: { uses: pass, needs: [first], with: { label: second } }
`);
    await furrow.until(handle, ({ stages }) => stages[0]?.status === 'running');
    renameSync(folder, `${folder}.gone`);
    const { stages } = await furrow.until(handle, (record) => record.stages[0]?.notice !== undefined);
    expect(stages[0]).toMatchObject({
      status: 'running',
      notice: expect.stringMatching(/^STORE_UNAVAILABLE: .*trying again in 10 s\. Check that the store/),
    });
    renameSync(`${folder}.gone`, folder);
    expect(await handle.result()).toMatchObject({ status: 'finished' });
  });

  it('is waited for before a run has begun', async () => {
    await scene.worker();
    const folder = join(furrow.folder, 'stores/before');
    const request = { store: (await storeLocation('before')).location };
    renameSync(folder, `${folder}.gone`);
    const handle = await furrow.start('name: before\nstages: { only: { uses: pass } }\n', request);
    const record = await furrow.until(handle, ({ notice }) => notice !== undefined);
    expect(record).toMatchObject({ status: 'running', notice: expect.stringContaining('STORE_UNAVAILABLE') });
    renameSync(`${folder}.gone`, folder);
    expect(await handle.result()).toMatchObject({ status: 'finished' });
  });
});

describe('a disk that is full', () => {
  let disk: SmallDisk | undefined;
  afterEach(async () => {
    await scene.killWorkers();
    disk?.remove();
    disk = undefined;
  });

  it('under the store: checkpoints and the result wait for room, to the same bytes', async ({ skip }) => {
    const made = smallDisk(64);
    if (typeof made === 'string') return skip(made);
    disk = made;
    const worker = await scene.worker();
    const handle = await furrow.start(training(join(disk.folder, 'store')));
    await scene.inTraining(handle, worker);
    disk.fill();
    await untilTold(handle, 'STORE_FULL');
    disk.free();
    await scene.expectSameModel(handle);
    expect(worker.log()).toMatch(/checkpoint of step \d+ was not stored: No space left/);
  });

  it('under the temporary files of a worker: its attempts fail, and leave nothing; then it goes on', async ({
    skip,
  }) => {
    const made = smallDisk(64);
    if (typeof made === 'string') return skip(made);
    disk = made;
    const temporary = join(disk.folder, 'tmp');
    mkdirSync(temporary);
    const worker = await scene.worker({ env: { TMPDIR: temporary } });
    const handle = await furrow.start(training('scratch'));
    await scene.inTraining(handle, worker);
    disk.fill();
    await untilTold(handle, 'STORE_FULL');
    disk.free();
    await scene.expectSameModel(handle);
  });
});

describe('a wall clock that jumps', () => {
  it.each([
    ['a day forward', 86_400],
    ['a day back', -86_400],
  ])('%s in the worker costs nothing', async (_, seconds) => {
    const clock = jumpingClock();
    if (typeof clock === 'string') return expect.unreachable(clock);
    try {
      const worker = await scene.worker({ env: clock.env });
      const handle = await furrow.start(training(`clock${seconds}`));
      await scene.inTraining(handle, worker);
      clock.jump(seconds);
      await scene.expectSameModel(handle);
      const { stages } = await furrow.progress(handle);
      expect(stages[2]?.provenance).toMatchObject({ attempt: 1 });
      // Measured by what only goes forward.
      expect(stages[2]?.provenance?.seconds).toBeGreaterThan(0);
      expect(stages[2]?.provenance?.seconds).toBeLessThan(600);
    } finally {
      clock.remove();
    }
  });
});

describe('a worker that is cut off from Temporal for longer than its heartbeat timeout', () => {
  it('does no harm when it is back: another has gone on, and both end at the same bytes', async () => {
    const line = await lineTo(furrow.target.address);
    try {
      const zombie = await scene.worker({ env: { TEMPORAL_ADDRESS: line.address } });
      // Long enough that the zombie still trains when another has taken over.
      const handle = await furrow.start(training('cut-off'), { set: { 'model.epochs': 900 } });
      const child = await scene.inTraining(handle, zombie);
      line.cut();
      const successor = await scene.worker();
      await until('another attempt has begun', async () =>
        (await pendingActivities(handle)).some(({ attempt, heartbeat }) => attempt === 2 && heartbeat !== undefined),
      );
      expect(runs(child)).toBe(true);
      line.mend();
      await until('the zombie is told, and ends its child', () => !runs(child), 40);
      await until('the other trains', () => successor.children().length > 0);
      const result = await handle.result();
      expect(result).toMatchObject({
        status: 'finished',
        stages: { model: { facts: { resumedAtStep: expect.any(Number) } } },
      });
      const reference = await furrow.run(training('not-cut-off'), { set: { 'model.epochs': 900 } });
      expect(result.stages.model.artifact.digest).toBe(reference.stages.model?.artifact.digest);
    } finally {
      await line.close();
    }
  }, 180_000);
});

/** Waits until an attempt has failed with this code, or its stage waits because of it. */
async function untilTold(handle: WorkflowHandle, code: string): Promise<void> {
  await until(
    code,
    async () =>
      (await pendingActivities(handle)).some(({ lastFailure }) => lastFailure === code) ||
      (await furrow.progress(handle)).stages.some(({ notice }) => notice?.startsWith(code)),
  );
}

async function storeLocation(name: string) {
  const { openStore, storeUri } = await import('../lib/store/store.ts');
  return openStore(storeUri(`stores/${name}`, furrow.folder), { create: true });
}
