import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FurrowError } from '../../../contract/errors.ts';
import { fetchedOf } from '../../store/fetched.ts';
import { openStore, type Store } from '../../store/store.ts';
import type { ObjectPlace } from './delivery.ts';
import { fetchProgress } from './fetchProgress.ts';
import type { PinnedObject } from './objects.ts';
import { receive } from './receive.ts';

const mebibyte = 2 ** 20;
const content = randomBytes(6 * mebibyte);
const object = {
  path: 'large.tif',
  uri: 'test:large',
  bytes: content.length,
  md5: createHash('md5').update(content).digest('hex'),
};

let folder: string;
let store: Store;
/** From where it was asked for, each time. */
let asked: number[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'furrow-receive-'));
  store = await openStore(pathToFileURL(join(folder, 'store')).href, { create: true });
  asked = [];
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Sends what `sent` makes of the content, and breaks after so many bytes as a killed process does: with no error that is retried. */
function placeOf(sent: Buffer, breaksAt = Number.POSITIVE_INFINITY): ObjectPlace {
  return {
    async open(_, __, from = 0) {
      asked.push(from);
      // As a server answers with 416.
      if (from >= sent.length) throw new FurrowError('SOURCE_NOT_FOUND', 'nothing begins there');
      const body = (async function* () {
        for (let at = from; at < sent.length; at += 100_000) {
          if (at > breaksAt) throw new Error('killed');
          yield sent.subarray(at, at + 100_000);
        }
      })();
      return { bytes: sent.length - from, body, all: () => Promise.reject(new Error('too large')) };
    },
    checksum: () => Promise.reject(new Error('it has an md5')),
  };
}

async function fetch(place: ObjectPlace, of: PinnedObject = object) {
  const fetched = fetchedOf(store);
  const { held, fetchedBytes } = await receive(of, join(folder, 'large'), {
    place,
    fetched,
    signal: new AbortController().signal,
    log: { info: () => {}, warn: () => {} },
    progress: fetchProgress(() => {}, [of]),
    partBytes: mebibyte,
  }).finally(() => fetched.flush());
  return { bytes: 'file' in held ? await readFile(held.file) : Buffer.from(held.content), fetchedBytes };
}

describe('a large object', () => {
  it('goes on after the parts that a killed attempt had, and asks for no byte before', async () => {
    await expect(fetch(placeOf(content, 3.5 * mebibyte))).rejects.toThrow('killed');
    const { bytes, fetchedBytes } = await fetch(placeOf(content));
    expect(bytes.equals(content)).toBe(true);
    expect(asked).toEqual([0, 3 * mebibyte]);
    expect(fetchedBytes).toBe(3 * mebibyte);
  });

  it('is fetched as a whole when what was kept of it is wrong', async () => {
    const spoilt = Buffer.from(content);
    spoilt[100] = (spoilt[100] as number) ^ 1;
    await expect(fetch(placeOf(spoilt, 3.5 * mebibyte))).rejects.toThrow('killed');
    const whole = placeOf(content);
    const killed = placeOf(content, 4.5 * mebibyte);
    const once: ObjectPlace = { ...whole, open: (of, signal, from) => (from ? whole : killed).open(of, signal, from) };
    await expect(fetch(once)).rejects.toThrow('killed');
    // Killed once more, it goes on after the parts that came then.
    expect((await fetch(whole)).bytes.equals(content)).toBe(true);
    expect(asked).toEqual([0, 3 * mebibyte, 0, 4 * mebibyte]);
  });

  it('is fetched as a whole when what was kept of it reaches beyond its end', async () => {
    const longer = Buffer.concat([content, content]);
    const { bytes: _, ...unknown } = object;
    await expect(fetch(placeOf(longer, 7.5 * mebibyte), unknown)).rejects.toThrow('killed');
    expect((await fetch(placeOf(content), unknown)).bytes.equals(content)).toBe(true);
    expect(asked).toEqual([0, 7 * mebibyte, 0]);
  });

  it('is fetched as a whole when a part is spoilt in the store', async () => {
    await expect(fetch(placeOf(content, 3.5 * mebibyte))).rejects.toThrow('killed');
    const [, second] = await fetchedOf(store).parts(`md5:${object.md5}`);
    const hex = String(second?.digest).slice('sha256:'.length);
    await writeFile(join(folder, 'store/blobs/sha256', hex.slice(0, 2), hex), Buffer.alloc(mebibyte));
    expect((await fetch(placeOf(content))).bytes.equals(content)).toBe(true);
    expect(asked).toEqual([0, 0]);
  });

  it('is asked for from where the parts end, when one of them is gone', async () => {
    await expect(fetch(placeOf(content, 3.5 * mebibyte))).rejects.toThrow('killed');
    const [, second] = await fetchedOf(store).parts(`md5:${object.md5}`);
    const hex = String(second?.digest).slice('sha256:'.length);
    await store.driver.remove(`blobs/sha256/${hex.slice(0, 2)}/${hex}`);
    expect((await fetch(placeOf(content))).bytes.equals(content)).toBe(true);
    expect(asked).toEqual([0, mebibyte]);
  });
});
