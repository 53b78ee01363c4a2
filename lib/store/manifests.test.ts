import { rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Digest, FinishedStage } from '../../contract/artifact.ts';
import { stageArtifact } from './artifacts.ts';
import { commitManifest, lookUp, readFinished, retireManifest, stageKey } from './manifests.ts';
import { manifestName } from './names.ts';
import type { Store } from './store.ts';
import { ageStore } from './testing/ageStore.ts';
import { testDigest, testRuntime, testStore } from './testing/testStore.ts';

const key = testDigest('a');

describe('the manifest of a finished stage', () => {
  it('is found as it was committed', async () => {
    const store = await testStore();
    expect(await lookUp(store, key)).toBeUndefined();
    const finished = await finish(store, 'content');
    expect(await commitManifest(store, finished, undefined)).toEqual({ finished, won: true });
    const found = await lookUp(store, key);
    expect(found?.finished).toEqual(finished);
    expect(found?.broken).toBeUndefined();
  });

  it('is renewed by work that takes it when it is old, and by nobody who only looks', async () => {
    const store = await testStore();
    await commitManifest(store, await finish(store, 'content'), undefined);
    const version = async () => (await store.driver.readPointer(manifestName(key)))?.version;
    expect((await lookUp(store, key))?.version).toBe('1');
    ageStore(store.folder, 1);
    await readFinished(store, key);
    expect(await version()).toBe('1');
    expect((await lookUp(store, key))?.version).toBe('2');
    expect(await version()).toBe('2');
  });

  it('does not count once it was retired, and is replaced', async () => {
    const store = await testStore();
    const finished = await finish(store, 'content');
    await commitManifest(store, finished, undefined);
    await retireManifest(store, key);
    const retired = await lookUp(store, key);
    expect(retired).toMatchObject({ finished, broken: expect.stringContaining('made again') });
    expect(await commitManifest(store, finished, retired?.version)).toMatchObject({ won: true });
    expect((await lookUp(store, key))?.broken).toBeUndefined();
    await retireManifest(store, testDigest('b'));
    expect(await lookUp(store, testDigest('b'))).toBeUndefined();
  });

  it('is one, however many commit it at once: all are given the same', async () => {
    const store = await testStore();
    const racing = await Promise.all(
      Array.from({ length: 12 }, async (_, racer) => finish(store, `content of racer ${racer}`)),
    );
    const outcomes = await Promise.all(racing.map((finished) => commitManifest(store, finished, undefined)));
    expect(outcomes.filter(({ won }) => won)).toHaveLength(1);
    expect(new Set(outcomes.map(({ finished }) => finished.artifact.digest)).size).toBe(1);
  });

  it.each(['artifact', 'file', 'attachment'])(
    'does not count when the blob of its %s is gone, and is replaced',
    async (lost) => {
      const store = await testStore();
      const finished = await finish(store, 'content');
      await commitManifest(store, finished, undefined);
      const file = (await treeFile(store, finished)) as Digest;
      const digest = { artifact: finished.artifact.digest, file, attachment: finished.attachments[0]?.digest }[lost];
      rmSync(store.blobFile(digest as Digest));
      const found = await lookUp(store, key);
      expect(found?.broken).toContain(digest);

      const again = await finish(store, 'content');
      expect((await commitManifest(store, again, found?.version)).won).toBe(true);
      expect((await lookUp(store, key))?.broken).toBeUndefined();
    },
  );

  it('that is broken is replaced even by one who had seen none', async () => {
    const store = await testStore();
    await store.driver.swapPointer(manifestName(key), '{ half a manif', undefined);
    expect((await lookUp(store, key))?.broken).toBeDefined();
    const finished = await finish(store, 'content');
    expect(await commitManifest(store, finished, undefined)).toEqual({ finished, won: true });
    expect((await lookUp(store, key))?.finished).toEqual(finished);
  });

  it('that another has renewed meanwhile is theirs', async () => {
    const store = await testStore();
    await commitManifest(store, await finish(store, 'first'), undefined);
    const observed = (await lookUp(store, key))?.version;
    const theirs = await finish(store, 'theirs');
    await commitManifest(store, theirs, observed);
    expect(await commitManifest(store, await finish(store, 'ours'), observed)).toEqual({
      finished: theirs,
      won: false,
    });
  });
});

describe('the key of a stage', () => {
  const parts = {
    uses: 'train',
    fingerprint: testDigest('f'),
    params: { epochs: 3, model: 'ridge' },
    inputs: { features: [{ digest: testDigest('1') }] },
    seed: 1,
  };

  it('does not depend on the order in which parameters are written', () => {
    expect(stageKey({ ...parts, params: { model: 'ridge', epochs: 3 } })).toBe(stageKey(parts));
  });

  it.each([
    ['the stage', { uses: 'preprocess' }],
    ['its code', { fingerprint: testDigest('e') }],
    ['a parameter', { params: { epochs: 4, model: 'ridge' } }],
    ['the content of an input', { inputs: { features: [{ digest: testDigest('2') }] } }],
    ['the name of an input that the output names', { inputs: { features: [{ name: 'x', digest: testDigest('1') }] } }],
    ['the seed', { seed: 2 }],
    ['what the source holds', { source: testDigest('3') }],
  ])('changes with %s', (_, change) => {
    expect(stageKey({ ...parts, ...change })).not.toBe(stageKey(parts));
  });
});

async function finish(store: Store, content: string): Promise<FinishedStage> {
  const output = stageArtifact(store, 'token');
  await output.add('file', content);
  await output.attach('log', `log of ${content}`);
  const { ref, attachments } = await output.seal();
  return {
    key,
    artifact: ref,
    attachments,
    metrics: { mae: 18.25 },
    facts: { plots: 3 },
    provenance: {
      stage: 's',
      fingerprint: testDigest('f'),
      workflowId: 'w',
      runId: 'r',
      attempt: 1,
      startedAt: '2026-01-01T00:00:00.000Z',
      seconds: 1,
      runtime: testRuntime,
    },
  };
}

async function treeFile(store: Store, { artifact }: FinishedStage): Promise<Digest | undefined> {
  const { openArtifact } = await import('./artifacts.ts');
  return (await openArtifact(store, artifact).files())[0]?.digest;
}
