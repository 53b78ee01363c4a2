/** Garbage collection beside work that goes on, by the command and in the middle of runs. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TrainPipelineResult, updateNames } from '../contract/messages.ts';
import { openArtifact } from '../lib/store/artifacts.ts';
import { putBlob } from '../lib/store/blobs.ts';
import { collectGarbage } from '../lib/store/collect/collect.ts';
import { openStore, type Store } from '../lib/store/store.ts';
import { ageStore } from '../lib/store/testing/ageStore.ts';
import { type Project, project } from './harness/command.ts';
import { type TestFurrow, testFurrow } from './harness/furrow.ts';
import { longTraining, untilCheckpoint } from './harness/pipelines.ts';
import { needsSignals } from './harness/signals.ts';

const day = 86_400_000;

describe('beside running work', () => {
  let furrow: TestFurrow;
  beforeAll(async () => {
    furrow = await testFurrow();
    await furrow.work();
  });
  afterAll(() => furrow?.close());

  const storeAt = (name: string) =>
    openStore(pathToFileURL(join(furrow.folder, 'stores', name)).href, { create: false });

  it('leaves a paused training its checkpoint and its features, however old they are', async (context) => {
    needsSignals(context);
    const handle = await furrow.start(longTraining('stores/paused').replace('epochs: 150', 'epochs: 500'));
    await untilCheckpoint(handle);
    await handle.executeUpdate(updateNames.pause);
    await furrow.until(handle, ({ stages }) => stages[2]?.status === 'paused');
    ageStore(join(furrow.folder, 'stores/paused'), 9);
    const { checkpoints, results } = await collectGarbage(await storeAt('paused'), { minimumAge: day });
    expect([checkpoints.count, results.count]).toEqual([0, 0]);
    await handle.executeUpdate(updateNames.resume);
    const result = (await handle.result()) as TrainPipelineResult;
    expect(result.stages.model?.facts.resumedAtStep).toBeGreaterThan(0);
  });

  it('breaks no run that takes old results or makes them again, and loses none of what they made', async () => {
    const pipeline = (labels: readonly string[]) => `
name: many
store: stores/many
stages:
${labels.map((label, n) => `  s${n}: { uses: pass, with: { label: '${label}' } }`).join('\n')}
`;
    const labels = Array.from({ length: 12 }, (_, n) => `label ${n}`);
    await furrow.run(pipeline(labels));
    const store = await storeAt('many');
    // Nobody names them any more: every one of them may go.
    for (const { name, version } of await store.driver.pointerEntries('runs/'))
      await store.driver.removePointer(name, version);
    let ended = false;
    let collections = 0;
    const collecting = (async () => {
      for (; !ended; collections++) {
        ageStore(join(furrow.folder, 'stores/many'), 0.9);
        await collectGarbage(store, { minimumAge: day });
        ageStore(join(furrow.folder, 'stores/many'), 0.5);
      }
    })();
    const results: TrainPipelineResult[] = [];
    for (let n = 0; n < 8; n++) results.push(await furrow.run(pipeline(labels), { noCache: n % 3 === 2 }));
    ended = true;
    await collecting;
    expect(collections).toBeGreaterThan(3);
    for (const { artifact } of results.flatMap(({ stages }) => Object.values(stages)))
      await expectWhole(store, artifact);
  });
});

describe('furrow gc', () => {
  let here: Project;
  beforeAll(async () => {
    here = project();
    here.write('one.yaml', 'name: one\nstages: { only: { uses: pass, with: { label: one } } }\n');
    await here.furrow('up', '--detach');
  });
  afterAll(() => here?.close());

  it('says what it would free, frees it, and leaves what runs name', async () => {
    await here.furrow('run', 'one.yaml', '--id', 'one-1');
    const folder = join(here.folder, '.furrow/store');
    await putBlob(await openStore(pathToFileURL(folder).href, { create: false }), Buffer.alloc(5000));
    ageStore(folder, 40);
    expect((await here.furrow('gc', '--dry-run')).stdout).toMatch(
      /Would free 5 KiB:\n {2}1 files that nothing refers to/,
    );
    expect(await here.json('gc', '--keep-runs', '90d')).toMatchObject({
      blobs: { count: 1, bytes: 5000 },
      runs: { count: 0 },
    });
    expect((await here.furrow('gc')).stdout).toMatch(/Nothing to free\nKept 2 files/);
    expect(await here.json('run', 'one.yaml', '--id', 'one-2')).toMatchObject({ stages: { only: { cached: true } } });
  });

  it.each([
    [['--min-age', '1h'], 2, /--min-age 1h is shorter than a stage may take/],
    [['--min-age', 'soon'], 2, /expected a duration like 12h or 30d, got `soon`/],
    [['--store', 'nowhere'], 1, /STORE_NOT_FOUND/],
  ])('refuses %s', async (args, code, message) => {
    const answer = await here.furrow('gc', ...args);
    expect(answer.code).toBe(code);
    expect(answer.stderr).toMatch(message);
  });
});

async function expectWhole(store: Store, artifact: Parameters<typeof openArtifact>[1]): Promise<void> {
  const reader = openArtifact(store, artifact);
  for (const { path } of await reader.files()) await reader.read(path);
}
