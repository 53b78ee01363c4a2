/** The product with its data and its store in buckets, on a real server: whole pipelines, and workers that die. */
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ArtifactRef } from '../contract/artifact.ts';
import type { Json } from '../contract/json.ts';
import type { TrainPipelineResult } from '../contract/messages.ts';
import { productRoot } from '../lib/code/root.ts';
import { faultyProxy } from '../lib/gcs/testing/faultyProxy.ts';
import { gcsProgram, useGcsServer } from '../lib/gcs/testing/gcsServer.ts';
import { forEachBounded } from '../lib/parallel/bounded.ts';
import { openArtifact } from '../lib/store/artifacts.ts';
import { openStore } from '../lib/store/store.ts';
import { lineTo } from './harness/faults/network.ts';
import { type TestFurrow, testFurrow } from './harness/furrow.ts';
import { pendingActivities } from './harness/pending.ts';
import { longTraining, smallNitrogen, untilCheckpoint } from './harness/pipelines.ts';
import { installProduct, runs, spawnWorker, type WorkerProcess } from './harness/product.ts';
import { needsSignals } from './harness/signals.ts';
import { until } from './harness/until.ts';

describe.skipIf(!gcsProgram)('on gs://', () => {
  const server = useGcsServer();
  let furrow: TestFurrow;

  beforeAll(async () => {
    await server.client.createBucket('stores');
    await server.client.createBucket('plots');
    furrow = await testFurrow();
  }, 60_000);
  afterAll(() => furrow?.close());

  const artifactAt = async (store: string, ref: ArtifactRef | undefined) =>
    openArtifact(await openStore(`gs://stores/${store}`, { create: false }), ref as ArtifactRef);

  describe('configs/nitrogen.yaml', () => {
    const text = readFileSync(join(productRoot, 'configs/nitrogen.yaml'), 'utf8');
    const synthetic = { 'data.source': 'synthetic:plots?train=16&test=8&height=40&width=26' };
    const run = async (set: Readonly<Record<string, Json>>, store: string): Promise<TrainPipelineResult> => {
      const config = { file: 'configs/nitrogen.yaml', text, baseFolder: furrow.folder };
      const handle = await furrow.startWith({ config, set: { ...smallNitrogen, ...set, store } });
      return handle.result();
    };
    const digests = ({ stages }: TrainPipelineResult) =>
      Object.fromEntries(Object.entries(stages).map(([name, { artifact }]) => [name, artifact.digest]));
    let there: TrainPipelineResult;
    let worker: Awaited<ReturnType<TestFurrow['work']>>;

    beforeAll(async () => {
      worker = await furrow.work();
      const made = await run(synthetic, 'gs://stores/seed');
      const plots = await artifactAt('seed', made.stages.data?.artifact);
      await forEachBounded(await plots.files(), 8, async ({ path }) => {
        await server.client
          .bucket('plots')
          .file(`field/${path}`)
          .save(Buffer.from(await plots.read(path)));
      });
      there = await run({ 'data.source': 'gs://plots/field' }, 'gs://stores/nitrogen');
    }, 240_000);
    afterAll(async () => {
      worker.shutdown();
      await worker.done;
    });

    it('runs to its image with its data and its store in buckets', () => {
      expect(Object.values(there.stages).map(({ cached }) => cached)).toEqual(Array(8).fill(false));
      expect(there.stages.convnet?.artifact.uri).toMatch(/^gs:\/\/stores\/nitrogen\/blobs\//);
      expect(there.stages.data?.facts).toMatchObject({ uri: 'gs://plots/field', files: 96 });
    });

    it('makes what folders hold, byte for byte', async () => {
      expect(digests(await run(synthetic, '.furrow/store'))).toEqual(digests(there));
    }, 120_000);

    it('is found finished the second time', async () => {
      const again = await run({ 'data.source': 'gs://plots/field' }, 'gs://stores/nitrogen');
      expect(Object.values(again.stages).every(({ cached }) => cached)).toBe(true);
    }, 60_000);

    it('says which bucket is missing, and tries no more', async () => {
      const failed = run(synthetic, 'gs://not-there/store').catch((error: { cause?: { message?: string } }) => error);
      expect(JSON.stringify(await failed, errorParts)).toMatch(/gs:\/\/not-there/);
    }, 60_000);
  });

  /** Machines that have nothing in common but the bucket. */
  describe('workers without a shared disk', () => {
    const workers: WorkerProcess[] = [];
    let product: string;

    beforeAll(() => {
      product = installProduct(furrow.folder);
    });
    afterEach(async () => {
      for (const each of workers.splice(0)) await each.kill();
    });

    async function workerOn(machine: string, endpoint = server.endpoint): Promise<WorkerProcess> {
      const folder = join(furrow.folder, machine);
      await mkdir(folder, { recursive: true });
      const worker = await spawnWorker(furrow, product, { machine: folder, env: { FURROW_GCS_ENDPOINT: endpoint } });
      workers.push(worker);
      return worker;
    }

    it('go on with the training of one that was killed, to the same bytes', async (context) => {
      needsSignals(context);
      const training = (store: string) => longTraining(`gs://stores/${store}`);
      const first = await workerOn('one');
      const undisturbed = await furrow.run(training('undisturbed'));
      const handle = await furrow.start(training('moved'));
      await untilCheckpoint(handle);
      const children = first.children();
      await first.kill();
      await until('its child has ended', () => !children.some(runs));
      const second = await workerOn('two');
      const { stages } = (await handle.result()) as TrainPipelineResult;
      expect(stages.model?.facts.resumedAtStep).toBeGreaterThan(0);
      expect(stages.model?.artifact.digest).toBe(undisturbed.stages.model?.artifact.digest);
      expect(second.log()).toMatch(/going on from step [1-9]/);
    }, 180_000);

    it('wait for a bucket that does not answer, and go on to the same bytes', async () => {
      const line = await lineTo(server.endpoint.replace('http://', ''));
      try {
        await workerOn('one', `http://${line.address}`);
        const undisturbed = await furrow.run(longTraining('gs://stores/answering'));
        const handle = await furrow.start(longTraining('gs://stores/silent'));
        await untilCheckpoint(handle);
        line.cut();
        await until(
          'an attempt has failed for it',
          async () => (await pendingActivities(handle)).some(({ lastFailure }) => lastFailure === 'STORE_UNAVAILABLE'),
          90,
        );
        line.mend();
        const { stages } = (await handle.result()) as TrainPipelineResult;
        expect(stages.model?.artifact.digest).toBe(undisturbed.stages.model?.artifact.digest);
      } finally {
        await line.close();
      }
    }, 240_000);

    it('fetch what is missing, and no more, after one was killed in the middle', async (context) => {
      needsSignals(context);
      const count = 240;
      const contents = Array.from({ length: count }, (_, index) => Buffer.alloc(4000 + index, index));
      await forEachBounded(contents, 16, async (content, index) => {
        await server.client.bucket('plots').file(`many/${index}.tif`).save(content, { resumable: false });
      });
      const slow = await faultyProxy(server.endpoint, { share: 1, seed: 1, only: /alt=media/, kinds: ['slow'] });
      const pipeline = `
name: fetched
store: gs://stores/fetched
stages:
  data: { uses: fetchData, with: { source: 'gs://plots/many' } }
`;
      const first = await workerOn('one', slow.endpoint);
      const handle: WorkflowHandle = await furrow.start(pipeline);
      const noted = async () => {
        const [lists] = await server.client.bucket('stores').getFiles({ prefix: 'fetched/fetched/' });
        const texts = await Promise.all(lists.map(async (list) => String((await list.download())[0])));
        return texts.join('').split('\n').length - 1;
      };
      await until('a third is fetched', async () => (await noted()) > count / 3);
      await first.kill();
      const kept = await noted();
      await slow.close();
      expect(kept).toBeLessThan(count);
      await workerOn('two');
      const { stages } = (await handle.result()) as TrainPipelineResult;
      const bytes = contents.reduce((sum, content) => sum + content.length, 0);
      expect(stages.data?.facts).toMatchObject({ bytes, files: count });
      const fetched = stages.data?.facts.fetchedBytes as number;
      expect(fetched).toBeGreaterThan(0);
      // 4,000 bytes or more each.
      expect(fetched).toBeLessThanOrEqual(bytes - 4000 * kept);
      const artifact = await artifactAt('fetched', stages.data?.artifact);
      for (const [index, content] of contents.entries())
        expect(content.equals(Buffer.from(await artifact.read(`${index}.tif`))), `${index}.tif`).toBe(true);
    }, 120_000);
  });
});

function errorParts(_: string, value: unknown): unknown {
  return value instanceof Error ? { message: value.message, cause: value.cause } : value;
}
