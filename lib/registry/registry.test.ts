import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Digest } from '../../contract/artifact.ts';
import type { Pointers } from '../../contract/stage.ts';
import { openStore, type Store } from '../store/store.ts';
import { moveAlias, readAlias } from './aliases.ts';
import { registryNames } from './names.ts';
import { type Candidate, contentOf, listVersions, registerVersion } from './versions.ts';

let folder: string;
let pointers: Pointers;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'furrow-registry-'));
  pointers = pointersIn(await openStore(pathToFileURL(folder).href, { create: true }));
});

afterEach(() => rm(folder, { recursive: true }));

test('the first model of a name is version 1, the next one 2', async () => {
  expect((await registerVersion(pointers, candidate('a'))).version).toBe(1);
  expect((await registerVersion(pointers, candidate('b'))).version).toBe(2);
  expect((await registerVersion(pointers, { ...candidate('a'), model: 'other' })).version).toBe(1);
});

test('an evaluation that is registered again is the version that it was, with the lineage of the first time', async () => {
  const first = await registerVersion(pointers, candidate('a'));
  await registerVersion(pointers, candidate('b'));
  const again = candidate('a');
  const second = await registerVersion(pointers, {
    ...again,
    metrics: { test_mae: 1 },
    lineage: { ...again.lineage, key: digest('f') },
  });
  expect(second).toEqual(first);
  expect(contentOf(second)).not.toHaveProperty('registeredAt');
});

test('racing registrations of different evaluations get different numbers, without gaps', async () => {
  const marks = ['0', '1', '2', '3', '4', '5', '6', '7'];
  const versions = await Promise.all(marks.map((mark) => registerVersion(pointers, candidate(mark))));
  expect(versions.map(({ version }) => version).sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(versions.map(({ lineage }) => lineage.evaluation.digest)).toEqual(marks.map(digest));
});

test('racing registrations of one evaluation get one number', async () => {
  const versions = await Promise.all(Array.from({ length: 8 }, () => registerVersion(pointers, candidate('a'))));
  expect(new Set(versions.map(({ version }) => version))).toEqual(new Set([1]));
  expect(await listVersions(pointers, 'nitrogen')).toHaveLength(1);
});

test('two of each kind racing get one number each', async () => {
  const marks = ['a', 'b', 'a', 'b', 'c', 'c'];
  const versions = await Promise.all(marks.map((mark) => registerVersion(pointers, candidate(mark))));
  expect(versions[0]).toEqual(versions[2]);
  expect(versions[1]).toEqual(versions[3]);
  expect(versions[4]).toEqual(versions[5]);
  expect((await listVersions(pointers, 'nitrogen')).map(({ version }) => version)).toEqual([1, 2, 3]);
});

test('a registration that died after naming its number is finished by the next one', async () => {
  await pointers.swap(registryNames.byDigest('nitrogen', digest('a')), { version: 1 }, undefined);
  expect((await registerVersion(pointers, candidate('a'))).version).toBe(1);
});

test('a registration that died before its number was taken by another gets the next number', async () => {
  await pointers.swap(registryNames.byDigest('nitrogen', digest('a')), { version: 1 }, undefined);
  expect((await registerVersion(pointers, candidate('b'))).version).toBe(1);
  expect((await registerVersion(pointers, candidate('a'))).version).toBe(2);
});

test('a version cannot be written over', async () => {
  await registerVersion(pointers, candidate('a'));
  const name = registryNames.version('nitrogen', 1);
  await expect(pointers.swap(name, { version: 1 }, undefined)).rejects.toMatchObject({ code: 'STORE_CONFLICT' });
});

test('an alias moves from version to version, and racing moves leave it at one of them', async () => {
  const versions = await Promise.all(['a', 'b', 'c'].map((mark) => registerVersion(pointers, candidate(mark))));
  expect(await moveAlias(pointers, 'nitrogen', 'candidate', 1)).toEqual({ from: undefined, to: 1 });
  expect(await moveAlias(pointers, 'nitrogen', 'candidate', 2)).toEqual({ from: 1, to: 2 });
  await Promise.all(versions.map(({ version }) => moveAlias(pointers, 'nitrogen', 'candidate', version)));
  expect([1, 2, 3]).toContain(await readAlias(pointers, 'nitrogen', 'candidate'));
});

test('a model name that could leave the registry is refused', async () => {
  await expect(registerVersion(pointers, { ...candidate('a'), model: '../x' })).rejects.toThrow(/lower-case/);
});

function candidate(mark: string): Candidate {
  return {
    model: 'nitrogen',
    winner: { name: 'convnet', network: 'convnet2d' },
    target: { name: 'nitrogen', unit: 'kg/ha' },
    lineage: {
      model: { digest: digest('e'), kind: 'model', bytes: 10 },
      evaluation: { digest: digest(mark), kind: 'evaluation', bytes: 20 },
      key: digest('d'),
    },
    metrics: { test_mae: 21.5 },
  };
}

function digest(mark: string): Digest {
  return `sha256:${mark.repeat(64)}`;
}

function pointersIn({ driver }: Store): Pointers {
  return {
    async read(name) {
      const state = await driver.readPointer(name);
      return state && { value: JSON.parse(state.text), version: state.version };
    },
    async swap(name, value, expected) {
      return { value, version: await driver.swapPointer(name, JSON.stringify(value), expected) };
    },
    list: (prefix) => driver.listPointers(prefix),
  };
}
