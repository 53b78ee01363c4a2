import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openStore, openStoreAt } from './store.ts';
import { testFolder } from './testing/testStore.ts';

describe('a store', () => {
  it('keeps the id that it was made with', async () => {
    const uri = pathToFileURL(join(testFolder(), 'new/store')).href;
    const made = await openStore(uri, { create: true });
    expect((await openStore(uri, { create: true })).location).toEqual(made.location);
    expect((await openStore(uri, { create: false })).location).toEqual(made.location);
    expect((await openStoreAt(made.location)).location).toEqual(made.location);
  });

  it('that many make at once has one id', async () => {
    const uri = pathToFileURL(join(testFolder(), 'store')).href;
    const opened = await Promise.all(Array.from({ length: 12 }, () => openStore(uri, { create: true })));
    expect(new Set(opened.map(({ location }) => location.id)).size).toBe(1);
  });

  it('is not made where it was only to be opened', async () => {
    const folder = join(testFolder(), 'absent');
    await expect(openStore(pathToFileURL(folder).href, { create: false })).rejects.toMatchObject({
      code: 'STORE_NOT_FOUND',
    });
  });

  it('is refused when another one lies under its address, even where it was open before', async () => {
    const folder = join(testFolder(), 'mount');
    const uri = pathToFileURL(folder).href;
    const { location } = await openStore(uri, { create: true });
    await openStoreAt(location);
    renameSync(folder, `${folder}.old`);
    await expect(openStoreAt(location)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    const other = await openStore(uri, { create: true });
    await expect(openStoreAt(location)).rejects.toMatchObject({ code: 'STORE_MISMATCH' });
    expect((await openStoreAt(other.location)).location.id).toBe(other.location.id);
    rmSync(folder, { recursive: true });
    renameSync(`${folder}.old`, folder);
    expect((await openStoreAt(location)).location.id).toBe(location.id);
  });

  it.each([
    ['a newer format', '{"format":2,"id":"x"}'],
    ['half an identity', '{"format":1,'],
    ['no identity', '[]'],
    ['nothing', ''],
  ])('with %s is refused', async (_, identity) => {
    const folder = testFolder();
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'store.json'), identity);
    await expect(openStore(pathToFileURL(folder).href, { create: true })).rejects.toMatchObject({
      code: 'STORE_FORMAT',
    });
  });

  it('of an unknown kind is refused', async () => {
    await expect(openStore('s3://bucket/x', { create: true })).rejects.toMatchObject({ code: 'STORE_NOT_FOUND' });
  });
});
