import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { trackWorkflowId } from '../contract/messages.ts';
import { atRandom, faultKinds } from '../lib/tracking/testing/wandb/faults.ts';
import { startWandbServer, type WandbServer, wandbKey } from '../lib/tracking/testing/wandb/server.ts';
import type { StoredRun } from '../lib/tracking/testing/wandb/storedRun.ts';
import { trainingId } from '../lib/tracking/trackedRuns.ts';
import type { TestFurrow } from './harness/furrow.ts';
import { runs } from './harness/product.ts';
import { needsSignals } from './harness/signals.ts';
import { type TrainingScene, training, trainingScene } from './harness/trainingScene.ts';
import { until } from './harness/until.ts';

let scene: TrainingScene;
let furrow: TestFurrow;
let server: WandbServer;
/** What the training logs when nothing disturbs it, without what depends on the machine. */
let undisturbed: unknown[];

beforeAll(async () => {
  scene = await trainingScene();
  furrow = scene.furrow;
  await inSight();
  const worker = await scene.worker(key());
  const handle = await furrow.start(tracked('calm'));
  await handle.result();
  undisturbed = learned(await sent(handle));
  await worker.kill();
  await server.close();
});
beforeEach(inSight);
afterEach(async () => {
  await scene?.killWorkers();
  await server?.close();
});
afterAll(() => scene?.close());

async function inSight(): Promise<void> {
  server = await startWandbServer();
}

const key = () => ({ env: { WANDB_API_KEY: wandbKey, WANDB_BASE_URL: server.url, WANDB_MODE: 'online' } });
const tracked = (store: string) => `${training(store)}tracking: { wandb: {} }\n`;

/** Waits until all is sent. */
async function sent(handle: WorkflowHandle): Promise<StoredRun> {
  const { runId, workflowId } = await handle.describe();
  await furrow.client.workflow.getHandle(trackWorkflowId(workflowId, runId, 1)).result();
  return server.run(trainingId({ pipeline: 'small', workflowId, runId }, 'model', 0));
}

/** Each row without times, speeds and memory. */
function learned(run: StoredRun): unknown[] {
  return run.rows().map((row) => [row._step, row.epoch, row['train/loss'], row['train/mae'], row['val/mae']]);
}

async function expectWhole(handle: WorkflowHandle): Promise<void> {
  await scene.expectSameModel(handle);
  const run = await sent(handle);
  expect(learned(run)).toEqual(undisturbed);
  expect(run).toMatchObject({ state: 'finished', exitCode: 0 });
  expect(server.violations).toEqual([]);
}

describe('the rows of a training at W&B are those of the undisturbed one', () => {
  beforeEach(needsSignals);

  it('of which there is one a step', () => {
    expect(undisturbed).toHaveLength(450);
  });

  it('when its sender is killed', async () => {
    const worker = await scene.worker(key());
    const handle = await furrow.start(tracked('sender-killed'));
    await scene.inTraining(handle, worker);
    await until('rows are there', async () => server.runs.some((run) => run.rows().length > 0));
    const [sender] = worker.children('senderMain');
    process.kill(sender as number, 'SIGKILL');
    await expectWhole(handle);
  });

  it('when the training itself is killed', async () => {
    const worker = await scene.worker(key());
    const handle = await furrow.start(tracked('child-killed'));
    const child = await scene.inTraining(handle, worker);
    await until('rows are there', async () => server.runs.some((run) => run.rows().length > 0));
    process.kill(child, 'SIGKILL');
    await expectWhole(handle);
  });

  it('when its worker is killed, with all that it has started', async () => {
    const worker = await scene.worker(key());
    const handle = await furrow.start(tracked('worker-killed'));
    const child = await scene.inTraining(handle, worker);
    await until('rows are there', async () => server.runs.some((run) => run.rows().length > 0));
    const started = worker.children();
    await worker.kill();
    process.kill(child, 'SIGKILL');
    await until('none of them is left', async () => started.every((pid) => !runs(pid)));
    await scene.worker(key());
    await expectWhole(handle);
  });

  it('when half of what is sent goes wrong, in every way that networks know', async () => {
    await scene.worker(key());
    server.faults = atRandom(
      faultKinds.filter((kind) => kind !== 'hang'),
      0.5,
      11,
    );
    await expectWhole(await furrow.start(tracked('bad-network')));
  });

  it('when W&B does not answer while it trains', async () => {
    await scene.worker(key());
    server.faults = () => 'hang';
    const handle = await furrow.start(tracked('hangs'));
    await handle.result();
    expect(server.runs).toEqual([]);
    server.faults = () => undefined;
    await expectWhole(handle);
  });
});
