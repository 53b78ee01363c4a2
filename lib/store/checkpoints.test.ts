import { existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { StageLog } from '../../contract/stage.ts';
import { commitCheckpoint, type NewestRequest, newestCheckpoint, removeCheckpoints } from './checkpoints.ts';
import { digestOf } from './digest.ts';
import { checkpointFolder } from './names.ts';
import { type TestStore, testDigest, testFolder, testRuntime, testStore } from './testing/testStore.ts';

const key = testDigest('c');

describe('checkpoints', () => {
  it('give the newest, by its step and not by when it was written', async () => {
    const store = await testStore();
    expect(await newest(store)).toBeUndefined();
    await commit(store, 30, 2);
    await commit(store, 9, 1);
    expect(await newest(store)).toMatchObject({ step: 30, attempt: 2, runtime: testRuntime, content: 'state 30' });
  });

  it.each([
    ['torn', (file: string) => truncateSync(file, 3)],
    ['altered', (file: string) => writeFileSync(file, 'STATE 20')],
    ['missing', (file: string) => rmSync(file)],
  ])('pass a %s one over, with a warning, for the one before it', async (_, harm) => {
    const store = await testStore();
    await commit(store, 10, 1);
    await commit(store, 20, 1);
    harm(store.blobFile(digestOf('state 20')));
    const warnings: string[] = [];
    expect(await newest(store, warnings)).toMatchObject({ step: 10, content: 'state 10' });
    expect(warnings.join()).toContain('step 20');
  });

  it('pass an entry over that cannot be read', async () => {
    const store = await testStore();
    await commit(store, 10, 1);
    for (const [step, entry] of [
      [20, '{ half'],
      [30, '{"digest":"sha256:../../x"}'],
      [40, ''],
    ] as const)
      await store.driver.create(`${checkpointFolder(key)}${String(step).padStart(12, '0')}-1-a`, Buffer.from(entry));
    expect(await newest(store)).toMatchObject({ step: 10 });
  });

  it('keep the newest and the one before it', async () => {
    const store = await testStore();
    for (const step of [1, 2, 3, 4]) await commit(store, step, 1);
    expect(await steps(store)).toEqual([3, 4]);
    expect(existsSync(store.blobFile(digestOf('state 2')))).toBe(false);
    expect(existsSync(store.blobFile(digestOf('state 3')))).toBe(true);
  });

  it('are pruned only where they are older: a slower attempt removes nothing of a faster one', async () => {
    const store = await testStore();
    for (const step of [10, 20]) await commit(store, step, 2);
    for (const step of [1, 2, 3]) await commit(store, step, 1);
    expect(await steps(store)).toEqual([2, 3, 10, 20]);
    expect(await newest(store)).toMatchObject({ step: 20, content: 'state 20' });
  });

  it('of one step made twice are both kept: an attempt that made a corrupt one anew is not taken for it', async () => {
    const store = await testStore();
    await commit(store, 10, 1, 'first');
    writeFileSync(store.blobFile(digestOf('first')), 'FIRST');
    await commit(store, 10, 1, 'again');
    expect(await newest(store)).toMatchObject({ step: 10, content: 'again' });
  });

  it('are only those of one run where that is asked for', async () => {
    const store = await testStore();
    await commit(store, 10, 1);
    await commit(store, 20, 2);
    expect(await newest(store, [], ({ runId }) => runId === 'run 1')).toMatchObject({ step: 10, runId: 'run 1' });
    expect(await newest(store, [], ({ runId }) => runId === 'run 3')).toBeUndefined();
  });

  it('of one content share its blob, which stays as long as one is left', async () => {
    const store = await testStore();
    await commit(store, 1, 1, 'same');
    await commit(store, 2, 1, 'same');
    await commit(store, 3, 1, 'same');
    expect(await steps(store)).toEqual([2, 3]);
    expect(await newest(store)).toMatchObject({ step: 3, content: 'same' });
  });

  it('are gone, with what they held, when the stage is finished; those of another key stay', async () => {
    const store = await testStore();
    await commit(store, 1, 1);
    await commit(store, 2, 1);
    const other = testDigest('d');
    await commitCheckpoint(store, other, { step: 5, attempt: 1, runId: 'r', runtime: testRuntime }, fileWith('other'));
    await removeCheckpoints(store, key);
    expect(await steps(store)).toEqual([]);
    expect(existsSync(store.blobFile(digestOf('state 2')))).toBe(false);
    expect(
      await newestCheckpoint(store, other, { folder: testFolder(), log: silent(), isUsable: () => true }),
    ).toMatchObject({ step: 5 });
  });
});

async function commit(store: TestStore, step: number, attempt: number, content = `state ${step}`): Promise<void> {
  await commitCheckpoint(
    store,
    key,
    { step, attempt, runId: `run ${attempt}`, runtime: testRuntime },
    fileWith(content),
  );
}

async function newest(store: TestStore, warnings: string[] = [], isUsable: NewestRequest['isUsable'] = () => true) {
  const found = await newestCheckpoint(store, key, { folder: testFolder(), log: silent(warnings), isUsable });
  return found && { ...found, content: readFileSync(found.file, 'utf8') };
}

async function steps(store: TestStore): Promise<number[]> {
  const names = await store.driver.list(checkpointFolder(key));
  return names.map((name) => Number(name.split('/').pop()?.split('-')[0]));
}

function fileWith(content: string): string {
  const file = join(testFolder(), 'state');
  writeFileSync(file, content);
  return file;
}

function silent(warnings: string[] = []): StageLog {
  return { info() {}, warn: (message) => warnings.push(message) };
}
