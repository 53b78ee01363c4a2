import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FurrowError } from '../../contract/errors.ts';
import { digestOf } from './digest.ts';
import { fetchedOf } from './fetched.ts';
import { openStore, type Store } from './store.ts';

let folder: string;
let store: Store;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'furrow-fetched-'));
  store = await openStore(pathToFileURL(folder).href, { create: true });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const content = (name: string) => ({ digest: digestOf(name), bytes: name.length });
const lists = () => store.driver.list('fetched/');

describe('what was fetched', () => {
  it('is known to the next process, by its name', async () => {
    const first = fetchedOf(store);
    await first.note('md5:a', content('a'));
    await first.note('md5:b', content('b'));
    expect(await first.find('md5:a')).toEqual(content('a'));
    await first.flush();
    expect(await lists()).toHaveLength(1);
    const next = fetchedOf(store);
    expect(await next.find('md5:b')).toEqual(content('b'));
    expect(await next.find('md5:c')).toBeUndefined();
  });

  it('is kept by itself a moment later: a process that is killed forgets little', async () => {
    await fetchedOf(store).note('md5:a', content('a'));
    await vi.waitFor(async () => expect(await fetchedOf(store).find('md5:a')).toEqual(content('a')), 3000);
  });

  it('is not written again when it is known', async () => {
    for (let time = 0; time < 3; time++) {
      const fetched = fetchedOf(store);
      await fetched.note('md5:a', content('a'));
      await fetched.flush();
    }
    expect(await lists()).toHaveLength(1);
  });

  it('becomes one list of many, with all that they said, whoever else did that at the same time', async () => {
    for (let index = 0; index < 32; index++) {
      const fetched = fetchedOf(store);
      await fetched.note(`md5:${index}`, content(String(index)));
      await fetched.flush();
    }
    const both = [fetchedOf(store), fetchedOf(store)];
    for (const [index, fetched] of both.entries()) await fetched.note(`own:${index}`, content(`own ${index}`));
    await Promise.all(both.map((fetched) => fetched.flush()));
    expect((await lists()).length).toBeLessThan(32);
    const next = fetchedOf(store);
    for (let index = 0; index < 32; index++) expect(await next.find(`md5:${index}`)).toEqual(content(String(index)));
    for (const index of [0, 1]) expect(await next.find(`own:${index}`)).toEqual(content(`own ${index}`));
  });

  it('passes over what cannot be read, and takes its place', async () => {
    await store.driver.create('fetched/torn', new TextEncoder().encode('{"name":"md5:a","digest":"sha2'));
    const fetched = fetchedOf(store);
    expect(await fetched.find('md5:a')).toBeUndefined();
    await fetched.note('md5:a', content('a'));
    await fetched.flush();
    expect(await fetchedOf(store).find('md5:a')).toEqual(content('a'));
  });

  it('tells of a store that is away, and writes it once that is back', async () => {
    const create = vi.spyOn(store.driver, 'create').mockRejectedValueOnce(new FurrowError('STORE_UNAVAILABLE', 'away'));
    const fetched = fetchedOf(store);
    await fetched.note('md5:a', content('a'));
    await expect(fetched.flush()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await fetched.flush();
    expect(await fetchedOf(store).find('md5:a')).toEqual(content('a'));
    create.mockRestore();
  });
});
