import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Digest, FinishedStage } from '../../../contract/artifact.ts';
import type { RunRecord, RunStatus } from '../../../contract/messages.ts';
import { openArtifact, stageArtifact } from '../artifacts.ts';
import { putBlob } from '../blobs.ts';
import { commitCheckpoint } from '../checkpoints.ts';
import type { StoreDriver } from '../driver.ts';
import { fetchedOf } from '../fetched.ts';
import { commitManifest, lookUp } from '../manifests.ts';
import { blobName, checkpointFolder } from '../names.ts';
import { saveRunRecord } from '../runRecords.ts';
import type { Store } from '../store.ts';
import { ageStore } from '../testing/ageStore.ts';
import { type TestStore, testDigest, testFolder, testRuntime, testStore } from '../testing/testStore.ts';
import { type CollectOptions, collectGarbage } from './collect.ts';

const day = 86_400_000;
const collect = (store: Store, more: Partial<CollectOptions> = {}) =>
  collectGarbage(store, { minimumAge: day, ...more });
const [a, b, c] = ['a', 'b', 'c'].map(testDigest) as [Digest, Digest, Digest];

describe('garbage collection', () => {
  it('takes what no run names once it is old, with its files, and nothing else', async () => {
    const store = await testStore();
    const named = await finish(store, a, 'named');
    const orphan = await finish(store, b, 'orphan');
    await saveRunRecord(store, record('run', 'finished', [named]), 1);
    ageStore(store.folder, 2);
    const young = await finish(store, c, 'young');
    expect(await collect(store)).toMatchObject({
      runs: { count: 0 },
      results: { count: 1 },
      // Its file, its list of files, and its attachment.
      blobs: { count: 3 },
      kept: { count: 6 },
    });
    expect(await lookUp(store, b)).toBeUndefined();
    for (const each of [named, young]) await expectWhole(store, each);
    await expect(openArtifact(store, orphan.artifact).files()).rejects.toMatchObject({ code: 'BLOB_MISSING' });
    expect(await collect(store)).toMatchObject({ results: { count: 0 }, blobs: { count: 0 }, leftovers: { count: 0 } });
  });

  it('leaves files that a wanted result shares with one that goes', async () => {
    const store = await testStore();
    await finish(store, a, 'the same');
    const wanted = await finish(store, b, 'the same');
    await saveRunRecord(store, record('run', 'finished', [wanted]), 1);
    ageStore(store.folder, 2);
    expect(await collect(store)).toMatchObject({ results: { count: 1 }, blobs: { count: 0 } });
    await expectWhole(store, wanted);
  });

  it('leaves what the registry and its aliases name, when the runs are forgotten', async () => {
    const store = await testStore();
    const model = await finish(store, a, 'model');
    const { digest, kind, bytes } = model.artifact;
    const version = { version: 1, lineage: { evaluation: { digest, kind, bytes } } };
    await store.driver.swapPointer('pointers/registry/m/versions/1', JSON.stringify(version), undefined);
    await saveRunRecord(store, record('old', 'finished', [model], 5), 1);
    ageStore(store.folder, 5);
    const { runs, results, blobs } = await collect(store, { keepRuns: 3 * day });
    expect([runs.count, results.count, blobs.count]).toEqual([1, 1, 1]);
    await openArtifact(store, model.artifact).read('file');
  });

  it('forgets runs that ended long ago, when it is told to, and no run that goes on', async () => {
    const store = await testStore();
    const [old, recent, held] = [
      await finish(store, a, 'old'),
      await finish(store, b, 'recent'),
      await finish(store, c, 'held'),
    ];
    await saveRunRecord(store, record('old', 'finished', [old], 9), 1);
    await saveRunRecord(store, record('recent', 'failed', [recent], 2), 1);
    await saveRunRecord(store, record('held', 'held', [held]), 1);
    ageStore(store.folder, 10);
    expect(await collect(store, { keepRuns: 3 * day })).toMatchObject({ runs: { count: 1 }, results: { count: 1 } });
    expect(await store.driver.listPointers('runs/')).toEqual(['runs/held/id-held', 'runs/recent/id-recent']);
    for (const each of [recent, held]) await expectWhole(store, each);
  });

  it('leaves checkpoints to runs that may go on from them, and takes those of nobody', async () => {
    const store = await testStore();
    await checkpoint(store, a, 'id-paused');
    await checkpoint(store, b, 'id-nobody');
    await checkpoint(store, c, 'id-cancelled');
    // The first is known by the run that made it, the last by its key.
    await saveRunRecord(store, record('paused', 'paused', []), 1);
    await saveRunRecord(store, { ...record('cancelled', 'cancelled', []), configDigest: c }, 1);
    ageStore(store.folder, 2);
    expect(await collect(store)).toMatchObject({ checkpoints: { count: 1 }, blobs: { count: 1 } });
    const left = await Promise.all([a, b, c].map((key) => store.driver.list(checkpointFolder(key))));
    expect(left.map((names) => names.length)).toEqual([1, 0, 1]);
    // Two days later, its folder has been empty for two days, too.
    ageStore(store.folder, 2);
    await collect(store);
    expect(existsSync(join(store.folder, checkpointFolder(b)))).toBe(false);
  });

  it('takes checkpoints that a finished training has left behind', async () => {
    const store = await testStore();
    const model = await finish(store, a, 'model');
    await checkpoint(store, a, 'id-run');
    await saveRunRecord(store, record('run', 'finished', [model]), 1);
    ageStore(store.folder, 2);
    expect(await collect(store)).toMatchObject({
      checkpoints: { count: 1 },
      blobs: { count: 1 },
      results: { count: 0 },
    });
    await expectWhole(store, model);
  });

  it('takes unfinished writes, damaged files set aside, and what pointers once said', async () => {
    const store = await testStore();
    writeFileSync(join(store.folder, 'tmp/half'), 'half of');
    await store.driver.create('corrupt/x', new Uint8Array(3));
    for (let n = 1; n <= 4; n++) await saveRunRecord(store, record('run', 'running', []), n);
    expect(await collect(store)).toMatchObject({ leftovers: { count: 0 }, corrupt: { count: 0 } });
    ageStore(store.folder, 2);
    expect(await collect(store)).toMatchObject({ leftovers: { count: 4 }, corrupt: { count: 1, bytes: 3 } });
    expect(readdirSync(join(store.folder, 'tmp'))).toEqual([]);
    await saveRunRecord(store, record('run', 'finished', []), 5);
    expect(await store.driver.listPointers('runs/')).toEqual(['runs/run/id-run']);
  });

  it('forgets what was fetched and is not there any more, and nothing else', async () => {
    const store = await testStore();
    const [kept, gone] = [await putBlob(store, Buffer.from('kept')), await putBlob(store, Buffer.from('gone'))];
    await store.driver.swapPointer('pointers/keeps', JSON.stringify({ file: kept.digest }), undefined);
    const fetched = fetchedOf(store);
    await fetched.note('md5:kept', kept);
    await fetched.note('md5:gone', gone);
    await fetched.flush();
    ageStore(store.folder, 2);
    await collect(store);
    const after = fetchedOf(store);
    expect(await after.find('md5:kept')).toEqual(kept);
    expect(await after.find('md5:gone')).toBeUndefined();
  });

  it('says what it would free, and frees nothing, when asked', async () => {
    const store = await testStore();
    await finish(store, a, 'orphan');
    await checkpoint(store, b, 'id-nobody');
    await saveRunRecord(store, record('old', 'finished', [await finish(store, c, 'old')], 9), 1);
    ageStore(store.folder, 9);
    const before = filesOf(store);
    const would = await collect(store, { dryRun: true, keepRuns: 3 * day });
    expect(filesOf(store)).toEqual(before);
    expect(would).toMatchObject({
      runs: { count: 1 },
      results: { count: 2 },
      checkpoints: { count: 1 },
      blobs: { count: 7 },
    });
    expect(await collect(store, { keepRuns: 3 * day })).toEqual(would);
  });

  it('refuses a store that is not there, and makes none', async () => {
    const store = await testStore();
    rmSync(store.folder, { recursive: true });
    await expect(collect(store)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });
});

/** Each time in the middle of one more of its steps. */
describe('garbage collection that something happens in', () => {
  /** An old store with a result that nobody names, and one that a run names. */
  async function oldStore(): Promise<TestStore> {
    const store = await testStore();
    await finish(store, a, 'orphan');
    await saveRunRecord(store, record('run', 'finished', [await finish(store, b, 'named')]), 1);
    await checkpoint(store, c, 'id-nobody');
    ageStore(store.folder, 2);
    return store;
  }

  it('never takes a result that somebody has just found', async () => {
    const steps = await atEachStep(oldStore, async (store) => {
      const found = await lookUp(store, a);
      return async () => {
        if (found && !found.broken) await expectWhole(store, found.finished);
        expect((await lookUp(store, a))?.broken).toBeUndefined();
      };
    });
    expect(steps).toBeGreaterThan(20);
  });

  it('never takes the files of a result that is made again meanwhile', async () => {
    await atEachStep(oldStore, async (store) => {
      const again = await finish(store, a, 'orphan');
      return () => expectWhole(store, again);
    });
  });

  it('leaves nothing broken when it is killed, and the next one ends its work', async () => {
    class Killed extends Error {}
    for (let step = 0; ; step++) {
      const store = await oldStore();
      let ended = true;
      await collect(interrupted(store, step, () => Promise.reject(new Killed()))).catch((error: unknown) => {
        if (!(error instanceof Killed)) throw error;
        ended = false;
      });
      for (const key of [a, b]) expect((await lookUp(store, key))?.broken, `step ${step}`).toBeUndefined();
      if (ended) return expect(step).toBeGreaterThan(20);
      // The look-up above was a use.
      ageStore(store.folder, 2);
      await collect(store);
      expect(await store.driver.list('blobs/')).toHaveLength(3);
    }
  });
});

/** Collects once for every step of a collection, with `act` in the middle of it; then what that gave is checked. */
async function atEachStep(
  fresh: () => Promise<Store>,
  act: (store: Store) => Promise<() => Promise<void>>,
): Promise<number> {
  for (let step = 0; ; step++) {
    const store = await fresh();
    let check: (() => Promise<void>) | undefined;
    await collect(
      interrupted(store, step, async () => {
        check = await act(store);
      }),
    );
    if (!check) return step;
    await check();
  }
}

/** The store, whose driver does something else before the call of that number. */
function interrupted(store: Store, step: number, act: () => Promise<void>): Store {
  let calls = 0;
  const driver = new Proxy(store.driver, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function' || name === 'uriOf') return value;
      return async (...args: unknown[]) => {
        if (calls++ === step) await act();
        return value.apply(target, args);
      };
    },
  }) as StoreDriver;
  return { ...store, driver };
}

async function finish(store: Store, key: Digest, content: string): Promise<FinishedStage> {
  const output = stageArtifact(store, 'token');
  await output.add('file', content);
  await output.attach('log', `how ${content} was made`);
  const { ref, attachments } = await output.seal();
  const finished: FinishedStage = {
    ...{ key, artifact: ref, attachments, metrics: {}, facts: {} },
    provenance: {
      ...{ stage: 's', fingerprint: testDigest('f'), runId: 'r', workflowId: 'w', attempt: 1 },
      ...{ startedAt: '', seconds: 1, runtime: testRuntime },
    },
  };
  const { finished: committed } = await commitManifest(store, finished, (await lookUp(store, key))?.version);
  return committed;
}

async function expectWhole(store: Store, { artifact, attachments }: FinishedStage): Promise<void> {
  await openArtifact(store, artifact).read('file');
  for (const { digest } of attachments) expect(await store.driver.stat(blobName(digest))).toBeDefined();
}

async function checkpoint(store: Store, key: Digest, runId: string): Promise<void> {
  const file = join(testFolder(), 'state');
  writeFileSync(file, `state of ${runId}`);
  await commitCheckpoint(store, key, { step: 3, attempt: 1, runId, runtime: testRuntime }, file);
}

function record(name: string, status: RunStatus, stages: readonly FinishedStage[], endedDaysAgo = 1): RunRecord {
  const endedAt = new Date(Date.now() - endedDaysAgo * day).toISOString();
  return {
    format: 1,
    run: { pipeline: 'p', workflowId: name, runId: `id-${name}` },
    status,
    startedAt: endedAt,
    ...(['finished', 'failed', 'cancelled'].includes(status) && { endedAt }),
    stages: stages.map(({ key, artifact }) => ({ key, artifact })) as unknown as RunRecord['stages'],
  };
}

function filesOf({ folder }: TestStore): string[] {
  return readdirSync(folder, { recursive: true }).map(String).sort();
}
