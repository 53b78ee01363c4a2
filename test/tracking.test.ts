import { readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { FurrowError } from '../contract/errors.ts';
import { type SentTracking, type TrainPipelineResult, trackWorkflowId } from '../contract/messages.ts';
import { defineStage, implementStage, type Stage } from '../contract/stage.ts';
import { startWandbServer, type WandbServer, wandbKey } from '../lib/tracking/testing/wandb/server.ts';
import { pipelineId, trainingId } from '../lib/tracking/trackedRuns.ts';
import { allQueues } from '../worker/roles.ts';
import { builtCode, type TestFurrow, testFurrow } from './harness/furrow.ts';
import { until } from './harness/until.ts';

/** A training that logs three steps and fails at the fourth. */
const doomed = implementStage(
  defineStage({
    name: 'doomed',
    kind: 'pure',
    summary: 'Diverges.',
    params: z.strictObject({}),
    inputs: {},
    output: 'token',
    work: 'training',
  }),
  {
    async run({ scratch, track }) {
      const file = join(scratch, 'runlog.jsonl');
      const rows = [1, 2, 3].map((step) => ({ kind: 'step', step, epoch: 1, loss: step, mae: 1, time: new Date() }));
      await writeFile(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
      await track(file);
      throw new FurrowError('TRAINING_DIVERGED', 'The loss of step 4 is NaN');
    },
  },
) as unknown as Stage;

let furrow: TestFurrow;
let server: WandbServer;

beforeAll(async () => {
  furrow = await testFurrow();
  await furrow.work(allQueues, await builtCode([doomed]));
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
}

const nitrogen = ({ store, mode = 'auto', epochs = 3 }: Asked) => `
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
    with: { model: convnet2d, filters: [8, 8], batchSize: 4, epochs: ${epochs}, optimizer: { sgd: { lr: 0.01 } } }
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
    const [evaluated] = pipeline.rows().filter(({ stage }) => stage === 'evaluate');
    for (const figure of ['predicted_vs_true', 'residuals', 'learning_curves', 'tsne']) {
      expect(evaluated?.[`evaluate/${figure}`]).toMatchObject({ _type: 'image-file', format: 'png' });
      expect(pipeline.summary).toHaveProperty([`evaluate/${figure}`]);
    }
    expect(places[pipelineId(run)]).toBe(`${server.url}/field-lab/nitrogen/runs/${pipelineId(run)}`);
  });

  it('shows a cached training as the run that it came from, and itself with what was found', async () => {
    const first = await furrow.start(nitrogen({ store: 'cached' }));
    await first.result();
    await tracked(first);
    const requests = server.requests.length;
    const second = await furrow.start(nitrogen({ store: 'cached' }));
    await second.result();
    const { places } = await tracked(second);

    const [made, found] = [await identity(first), await identity(second)];
    expect(Object.keys(places)).toEqual([
      trainingId(made, 'convnet', 0),
      trainingId(made, 'ridge', 0),
      pipelineId(found),
    ]);
    expect(server.runs).toHaveLength(4);
    expect(server.run(pipelineId(found)).summary).toMatchObject({ 'convnet/state': 'cached', 'ridge/state': 'cached' });
    // Of what was there, nothing was sent again.
    expect(server.requests.slice(requests).filter(({ kind }) => kind === 'upsert')).toHaveLength(1);
    expect(server.violations).toEqual([]);
  });

  it('has a cached training whole where it was not tracked when it was made', async () => {
    const untracked = await furrow.start(nitrogen({ store: 'later', mode: 'disabled' }));
    await untracked.result();
    expect(server.requests).toEqual([]);
    const second = await furrow.start(nitrogen({ store: 'later' }));
    await second.result();
    await tracked(second);
    const convnet = server.run(trainingId(await identity(untracked), 'convnet', 0));
    expect(convnet.rows()).toHaveLength(9);
    expect(convnet.upserted.displayName).toBe(`${untracked.workflowId}/convnet`);
  });

  it('ends as failed with what was logged until then, where a training fails', async () => {
    const handle = await furrow.start(`
name: tracked
store: stores/doomed
stages: { model: { uses: doomed } }
tracking: { wandb: {} }
`);
    await expect(handle.result()).rejects.toThrow();
    await tracked(handle);
    const run = await identity(handle);
    const model = server.run(trainingId(run, 'model', 0));
    expect(model).toMatchObject({ project: 'tracked', state: 'failed', exitCode: 1 });
    expect(model.rows().map((row) => row._step)).toEqual([1, 2, 3]);
    expect(model.summary.failure).toBe('TRAINING_DIVERGED: The loss of step 4 is NaN');
    expect(server.run(pipelineId(run))).toMatchObject({ state: 'failed', exitCode: 1 });
  });

  it('is left without an end where the run was terminated: W&B then counts it as crashed', async () => {
    const handle = await furrow.start(nitrogen({ store: 'terminated', epochs: 3000 }));
    const run = await identity(handle);
    await until('one training is there', async () => server.runs.some(({ state }) => state === 'finished'));
    await handle.terminate('by hand');
    const { places } = await tracked(handle);
    expect(Object.keys(places)).toEqual([trainingId(run, 'ridge', 0), pipelineId(run)]);
    expect(server.run(pipelineId(run))).toMatchObject({ state: 'running', exitCode: undefined });
    expect(server.run(trainingId(run, 'ridge', 0)).state).toBe('finished');
  });

  it('arrives whole once W&B is back, without the run having waited', async () => {
    await server.goAway();
    const handle = await furrow.start(nitrogen({ store: 'away' }));
    const { status } = (await handle.result()) as TrainPipelineResult;
    expect(status).toBe('finished');
    expect(server.runs).toEqual([]);
    await server.comeBack();
    await tracked(handle);
    expect(server.run(trainingId(await identity(handle), 'convnet', 0)).rows()).toHaveLength(9);
    expect(server.runs.map(({ state }) => state)).toEqual(['finished', 'finished', 'finished']);
    expect(server.violations).toEqual([]);
  });

  it('is told of by no workflow where there is no key, and that is said once, in one line', async () => {
    delete process.env.WANDB_API_KEY;
    delete process.env.WANDB_MODE;
    process.env.NETRC = '/dev/null';
    try {
      const handle = await furrow.start(nitrogen({ store: 'nokey' }));
      await handle.result();
      const { tracking } = await furrow.progress(handle);
      expect(tracking).toMatchObject({
        mode: 'disabled',
        notice: expect.stringMatching(/^W&B is off: there is no key[^\n]*$/),
      });
      await expect(tracked(handle)).rejects.toThrow(/not found/);
      expect(server.requests).toEqual([]);
    } finally {
      delete process.env.NETRC;
    }
  });

  it('is written for `wandb sync` in offline mode, and nothing is sent', async () => {
    const handle = await furrow.start(nitrogen({ store: 'offline', mode: 'offline' }));
    await handle.result();
    const { places } = await tracked(handle);
    expect(server.requests).toEqual([]);
    const folders = Object.values(places);
    expect(folders).toHaveLength(3);
    for (const folder of folders) {
      expect(folder.startsWith(join(furrow.folder, 'wandb/offline-run-'))).toBe(true);
      expect(readdirSync(folder).some((name) => name.endsWith('.wandb'))).toBe(true);
    }
  });
});
