import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readRaster } from '../lib/data/raster/readRaster.ts';
import { openWorkbench, type Workbench } from '../lib/data/testing.ts';
import fetchData from './fetchData.ts';

let bench: Workbench;
let data: string;
beforeEach(async () => {
  bench = await openWorkbench();
  data = join(bench.folder, 'data');
  await mkdir(join(data, 'train'), { recursive: true });
  await writeFile(join(data, 'train/a_red.tif'), 'red');
  await writeFile(join(data, 'labels.csv'), 'plot,kg\na,1\n');
});
afterEach(() => bench.remove());

const fetchFolder = (options: Partial<Parameters<Workbench['run']>[1]> = {}) =>
  bench.run(fetchData, { params: { source: 'file:data' }, ...options });

async function versionOf(source: string): Promise<unknown> {
  return (await bench.run(fetchData, { params: { source } })).outcome.facts?.version;
}

describe('a folder', () => {
  test('is fetched with its paths and contents, and the facts say how much it was', async () => {
    const { artifact, outcome } = await fetchFolder();
    expect((await artifact.files()).map((file) => file.path)).toEqual(['labels.csv', 'train/a_red.tif']);
    expect(new TextDecoder().decode(await artifact.read('train/a_red.tif'))).toBe('red');
    expect(outcome.facts).toMatchObject({ uri: 'file:data', files: 2, bytes: 15 });
    expect(JSON.stringify(outcome)).not.toContain(bench.folder);
  });

  test('comes whole whatever the size of its files: an empty one, one that is read whole, one that is streamed', async () => {
    const large = new Uint8Array(2 ** 20 + 1).map((_, i) => i * 7);
    await writeFile(join(data, 'train/large.tif'), large);
    await writeFile(join(data, 'train/limit.tif'), large.subarray(1));
    await writeFile(join(data, 'train/none.tif'), '');
    const { artifact } = await fetchFolder();
    expect(Buffer.from(await artifact.read('train/large.tif')).equals(large)).toBe(true);
    expect(Buffer.from(await artifact.read('train/limit.tif')).equals(large.subarray(1))).toBe(true);
    expect((await artifact.read('train/none.tif')).length).toBe(0);
  });

  test('has the same version and artifact wherever it lies', async () => {
    const before = await fetchFolder();
    await mkdir(join(bench.folder, 'moved/train'), { recursive: true });
    await writeFile(join(bench.folder, 'moved/labels.csv'), 'plot,kg\na,1\n');
    await writeFile(join(bench.folder, 'moved/train/a_red.tif'), 'red');
    const after = await bench.run(fetchData, { params: { source: `file://${bench.folder}/moved` } });
    expect(after.ref.digest).toBe(before.ref.digest);
    expect(after.outcome.facts?.version).toBe(before.outcome.facts?.version);
  });

  test('has another version when a file is changed, renamed, added or gone, and the same for hidden files and litter', async () => {
    const versions = new Set([await versionOf('file:data')]);
    for (const name of ['.DS_Store', '.git', 'Thumbs.db', 'train/._a_red.tif', 'desktop.ini'])
      await writeFile(join(data, name), 'x');
    expect(versions).toContain(await versionOf('file:data'));
    await writeFile(join(data, 'train/a_red.tif'), 'der');
    versions.add(await versionOf('file:data'));
    await writeFile(join(data, 'train/b_red.tif'), 'der');
    versions.add(await versionOf('file:data'));
    await rm(join(data, 'train/a_red.tif'));
    versions.add(await versionOf('file:data'));
    expect(versions.size).toBe(4);
  });

  test.each([
    ['other content', () => writeFile(join(data, 'train/a_red.tif'), 'RED')],
    ['a new file', () => writeFile(join(data, 'train/b_red.tif'), 'red')],
    ['a file gone', () => rm(join(data, 'labels.csv'))],
  ])('that got %s since it was resolved is not fetched', async (_, change) => {
    await expect(fetchFolder({ afterResolve: change })).rejects.toMatchObject({ code: 'SOURCE_CHANGED' });
  });

  test('links within it are followed; links that leave it, lead nowhere or go round are errors that read nothing', async () => {
    await symlink('train', join(data, 'test'));
    expect((await (await fetchFolder()).artifact.files()).map((file) => file.path)).toContain('test/a_red.tif');
    await writeFile(join(bench.folder, 'secret'), 'secret');
    await symlink('../secret', join(data, 'out'));
    await symlink('nowhere', join(data, 'dangling'));
    await symlink('..', join(data, 'train/round'));
    await expect(fetchFolder()).rejects.toThrow(/dangling, out, test\/round, train\/round/);
  });

  test('that is not there, a file, or empty says so', async () => {
    await mkdir(join(bench.folder, 'empty'));
    await expect(versionOf('file:absent')).rejects.toMatchObject({ code: 'SOURCE_NOT_FOUND' });
    await expect(versionOf('file:data/labels.csv')).rejects.toMatchObject({ code: 'SOURCE_NOT_FOUND' });
    await expect(versionOf('file:empty')).rejects.toMatchObject({ code: 'DATA_EMPTY' });
  });

  test('is given up between files when the attempt is cancelled', async () => {
    const cancel = new AbortController();
    for (let i = 0; i < 50; i++) await writeFile(join(data, `train/${i}_red.tif`), 'red');
    const fetched: number[] = [];
    const fetching = fetchFolder({
      signal: cancel.signal,
      onProgress: ({ done }) => {
        fetched.push(done ?? 0);
        cancel.abort(new Error('cancelled'));
      },
    });
    await expect(fetching).rejects.toThrow('cancelled');
    expect(fetched.length).toBeLessThan(20);
  });
});

describe('a synthetic trial', () => {
  const source = 'synthetic:plots?train=4&test=4&height=20&width=12';

  test('is written as the real one: a folder a split, a single-band float TIFF a band', async () => {
    const { artifact, outcome } = await bench.run(fetchData, { params: { source } });
    const paths = (await artifact.files()).map((file) => file.path);
    expect(paths).toHaveLength(32);
    for (const path of paths)
      expect(path).toMatch(
        /^(train|test)\/(lower|upper)_(left|right)_(zerokg|zero_kg|[123]00kg)_Nitrogen_[A-Z]\d_(green|red|red_edge|nir)\.tif$/,
      );
    const raster = await readRaster(await artifact.read(paths[0] as string), 'p');
    expect([raster.height, raster.width, raster.bands.length]).toEqual([20, 12, 1]);
    expect(outcome.facts).toMatchObject({ files: 32, uri: expect.stringContaining('seed=7') });
  });

  test('is the same artifact every time, and another with another seed', async () => {
    const digest = async (from: string): Promise<string> =>
      (await bench.run(fetchData, { params: { source: from } })).ref.digest;
    const first = await digest(source);
    expect(await digest(source)).toBe(first);
    expect(await digest(`${source}&seed=8`)).not.toBe(first);
  });

  test('has one version however its parameters are written', async () => {
    expect(await versionOf('synthetic:plots?test=4&train=4&width=12&height=20&noise=1.0')).toBe(
      await versionOf(source),
    );
  });
});

test('a config with an unknown scheme is refused before anything runs', () => {
  const parsed = fetchData.contract.params.safeParse({ source: 's3://host/plots' });
  expect(parsed.error?.issues[0]).toMatchObject({ path: ['source'], message: expect.stringContaining('`synthetic:`') });
});
