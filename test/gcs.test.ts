/** The product with its store in a bucket, on a real server: runs, and runs again from what is there. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gcsProgram, useGcsServer } from '../lib/gcs/testing/gcsServer.ts';
import { openArtifact } from '../lib/store/artifacts.ts';
import { openStore } from '../lib/store/store.ts';
import { type TestFurrow, testFurrow } from './harness/furrow.ts';

const pipeline = `
name: in-a-bucket
seed: 3
store: gs://furrow-test/stores/one
stages:
  data: { uses: fetchData, with: { source: 'synthetic:plots?train=12&test=4&height=40&width=26' } }
  features:
    uses: preprocess
    needs: [data]
    with: { bands: [green, red, red_edge, nir], target: filename, size: [40, 26] }
  cnn:
    uses: train
    needs: [features]
    queue: train-gpu
    with: { model: pooled-cnn, filters: [8, 8], epochs: 3 }
  evaluate: { uses: evaluate, needs: [features, cnn] }
  register: { uses: registerModel, needs: [evaluate], with: { model: bucket } }
`;

describe.skipIf(!gcsProgram)('a pipeline with its store on gs://', () => {
  const server = useGcsServer();
  let furrow: TestFurrow;

  beforeAll(async () => {
    await server.client.createBucket('furrow-test');
    furrow = await testFurrow();
    await furrow.work();
  }, 60_000);
  afterAll(() => furrow?.close());

  it('runs to its registered model, and finds all of it finished the second time', async () => {
    const first = await furrow.run(pipeline);
    expect(Object.values(first.stages).map(({ cached }) => cached)).toEqual([false, false, false, false, false]);
    expect(first.stages.cnn?.artifact.uri).toMatch(/^gs:\/\/furrow-test\/stores\/one\/blobs\//);
    const second = await furrow.run(pipeline);
    expect(Object.values(second.stages).every(({ cached }) => cached)).toBe(true);
    expect(second.stages.cnn?.artifact.digest).toBe(first.stages.cnn?.artifact.digest);
  }, 120_000);

  it('has made what a store in a folder holds, byte for byte', async () => {
    const here = await furrow.run(pipeline.replace(/^store: .*$/m, 'store: .furrow/store'));
    const there = await furrow.run(pipeline);
    for (const stage of ['data', 'features', 'cnn'] as const) {
      expect(here.stages[stage]?.artifact.digest).toBe(there.stages[stage]?.artifact.digest);
    }
    const store = await openStore('gs://furrow-test/stores/one', { create: false });
    const model = openArtifact(store, there.stages.cnn?.artifact as never);
    expect((await model.read('model.json')).length).toBeGreaterThan(0);
  }, 120_000);

  it('says which bucket is missing, and tries no more', async () => {
    const failed = furrow.run(pipeline.replace('gs://furrow-test/', 'gs://not-there/'));
    await expect(failed).rejects.toMatchObject({ cause: expect.anything() });
    const cause = await failed.catch((error: { cause?: { cause?: { message?: string } } }) => error.cause);
    expect(JSON.stringify(cause) + String((cause as { message?: string })?.message)).toMatch(/gs:\/\/not-there/);
  }, 60_000);
});
