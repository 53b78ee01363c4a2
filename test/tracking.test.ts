import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type SentTracking, type TrainPipelineResult, trackWorkflowId } from '../contract/messages.ts';
import { startWandbServer, type WandbServer, wandbKey } from '../lib/tracking/testing/wandb/server.ts';
import { pipelineId, trainingId } from '../lib/tracking/trackedRuns.ts';
import { type TestFurrow, testFurrow } from './harness/furrow.ts';

let furrow: TestFurrow;
let server: WandbServer;

beforeAll(async () => {
  furrow = await testFurrow();
  await furrow.work();
});
afterAll(() => furrow?.close());

beforeEach(async () => {
  server = await startWandbServer();
  Object.assign(process.env, { WANDB_API_KEY: wandbKey, WANDB_BASE_URL: server.url, WANDB_MODE: 'online' });
});
afterEach(async () => {
  delete process.env.WANDB_API_KEY;
  delete process.env.WANDB_BASE_URL;
  process.env.WANDB_MODE = 'disabled';
  await server?.close();
});

interface Asked {
  readonly store: string;
  readonly mode?: string;
  readonly epochs?: number;
  readonly lr?: number;
}

const nitrogen = ({ store, mode = 'auto', epochs = 3, lr = 0.01 }: Asked) => `
name: tracked
seed: 3
store: stores/${store}
stages:
  data: { uses: fetchData, with: { source: 'synthetic:plots?train=12&test=8&height=40&width=26' } }
  features: { uses: preprocess, needs: [data], with: { bands: [green, red, red_edge, nir], target: filename, size: [40, 26] } }
  convnet:
    uses: train
    needs: [features]
    queue: train-gpu
    with: { model: convnet2d, filters: [8, 8], batchSize: 4, epochs: ${epochs}, optimizer: { sgd: { lr: ${lr} } } }
  ridge: { uses: train, needs: [features], with: { model: ridge } }
  evaluate: { uses: evaluate, needs: [features, convnet, ridge], with: { metric: mae } }
  register: { uses: registerModel, needs: [evaluate], with: { model: ${store} } }
tracking: { wandb: { project: nitrogen, tags: [field], notes: for the field, mode: ${mode} } }
`;

/** Waits until the workflow that sends the run has ended. */
async function tracked(handle: WorkflowHandle): Promise<SentTracking> {
  const { runId } = await handle.describe();
  const tracker = furrow.client.workflow.getHandle(trackWorkflowId(handle.workflowId, runId, 1));
  return (await tracker.result()) as SentTracking;
}

async function identity(handle: WorkflowHandle) {
  const { runId } = await handle.describe();
  return { pipeline: 'tracked', workflowId: handle.workflowId, runId };
}

describe('a run at W&B', () => {
  it('is there whole: each training with a row a step, and the run with what its stages came to', async () => {
    const handle = await furrow.start(nitrogen({ store: 'whole' }));
    const result = (await handle.result()) as TrainPipelineResult;
    const { places } = await tracked(handle);
    const run = await identity(handle);
    expect(server.violations).toEqual([]);
    expect(server.runs.map(({ state }) => state)).toEqual(['finished', 'finished', 'finished']);

    const convnet = server.run(trainingId(run, 'convnet', 0));
    expect(convnet.rows().map((row) => row._step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(convnet.rows()[8]).toMatchObject({
      epoch: 3,
      learning_rate: expect.any(Number),
      'train/loss': expect.any(Number),
    });
    expect(convnet.rows()[8]).toMatchObject({ 'system/memory_mb': expect.any(Number), 'val/mae': expect.any(Number) });
    expect(convnet.config).toMatchObject({ model: 'convnet2d', epochs: 3, seed: 3 });
    expect(convnet.upserted).toMatchObject({ groupName: 'tracked', jobType: 'train', tags: ['field'] });
    expect(convnet.upserted.notes).toContain(furrow.target.ui);
    expect(convnet.summary['best/val_mae']).toBe(
      Math.min(...convnet.rows().flatMap((row) => (row['val/mae'] as number) ?? [])),
    );
    expect(server.run(trainingId(run, 'ridge', 0)).rows()).toHaveLength(1);

    const pipeline = server.run(pipelineId(run));
    expect(pipeline.upserted).toMatchObject({ jobType: 'pipeline', displayName: handle.workflowId });
    expect(pipeline.rows().map((row) => row.stage)).toEqual([
      'data',
      'features',
      expect.any(String),
      expect.any(String),
      'evaluate',
      'register',
    ]);
    expect(pipeline.summary).toMatchObject({
      'evaluate/test_mae': result.stages.evaluate?.metrics.test_mae,
      dataset: expect.stringMatching(/^sha256:/),
      model: 'whole:1',
      status: 'finished',
    });
    expect(places[pipelineId(run)]).toBe(`${server.url}/field-lab/nitrogen/runs/${pipelineId(run)}`);
  });
});
