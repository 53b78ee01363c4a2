import { access, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ArtifactReader } from '../contract/artifact.ts';
import { FurrowError } from '../contract/errors.ts';
import type { JsonObject } from '../contract/json.ts';
import { longestMessage } from '../contract/redact.ts';
import { type Features, openFeatures } from '../lib/data/features.ts';
import type { Band } from '../lib/data/plot/fit.ts';
import { preprocessPlot } from '../lib/data/plot/preprocessPlot.ts';
import { preprocessPlots } from '../lib/data/preprocess.ts';
import { readRaster } from '../lib/data/raster/readRaster.ts';
import { tiffFixture } from '../lib/data/raster/tiffFixtures.ts';
import { writeTiff } from '../lib/data/raster/writeTiff.ts';
import { type FinishedAttempt, openWorkbench, type Workbench } from '../lib/data/testing.ts';
import fetchData from './fetchData.ts';
import preprocess from './preprocess.ts';

let bench: Workbench;
beforeAll(async () => {
  bench = await openWorkbench();
});
afterAll(() => bench.remove());

const bands = ['red', 'nir'];
const small = { bands, size: [2, 2] };
type Files = Record<string, Uint8Array | string>;

/** A plot of 2x2 pixels: `first` and three more by tenths. */
function plotFiles(path: string, first: number, second = first + 1): Files {
  const pixels = (from: number): Float32Array => Float32Array.of(from, from + 0.1, from + 0.2, from + 0.3);
  return { [`${path}_red.tif`]: writeTiff(2, 2, pixels(first)), [`${path}_nir.tif`]: writeTiff(2, 2, pixels(second)) };
}

/** Eight training plots of two levels and two test plots. */
function trial(): Files {
  const files: Files = {};
  for (let i = 0; i < 8; i++) Object.assign(files, plotFiles(`train/p${i}_${i % 2}00kg`, i));
  for (let i = 0; i < 2; i++) Object.assign(files, plotFiles(`test/t${i}_${i}00kg`, 100 + i));
  return files;
}

async function run(files: Files, params: JsonObject = small, seed = 1): Promise<FinishedAttempt> {
  return bench.run(preprocess, { params, seed, inputs: { plots: await bench.artifact('plots', files) } });
}

async function features(finished: FinishedAttempt): Promise<Features> {
  return openFeatures(await bench.unpack(finished.artifact));
}

describe('features', () => {
  test('hold every plot with its target and split, and the plots themselves', async () => {
    const finished = await run(trial(), { ...small, validation: 0.25, indices: ['ndvi'] });
    expect(finished.outcome.metrics).toEqual({ plots_train: 6, plots_validation: 2, plots_test: 2 });
    const read = await features(finished);
    expect(read.description.channels).toEqual(['red', 'nir', 'ndvi']);
    const tests = await read.readPlots('test', { from: 0, to: 2 });
    expect(read.rows('test')).toEqual([
      { plot: 't0_000kg', split: 'test', group: 't0_000kg', target: 0 },
      { plot: 't1_100kg', split: 'test', group: 't1_100kg', target: 100 },
    ]);
    expect([...tests.slice(0, 3)]).toEqual([100, 101, 1 / 201].map(Math.fround));
    expect((await read.readSummary('test'))[0]).toBeCloseTo(100.15, 4);
    expect(
      read
        .rows('validation')
        .map((row) => row.target)
        .sort(),
    ).toEqual([0, 100]);
  });

  test('take statistics from training plots alone', async () => {
    const before = (await features(await run(trial()))).description;
    const after = (await features(await run({ ...trial(), ...plotFiles('test/t0_000kg', 1e6) }))).description;
    expect(after).toEqual(before);
    const read = await features(await run(trial(), { ...small, validation: 0 }));
    expect(read.description.statistics.mean[0]).toBeCloseTo(3.65, 5);
    expect(read.description.statistics.std[0]).toBeCloseTo(Math.sqrt(63 / 12 + 0.0125), 5);
  });

  test('fill invalid pixels with the training mean, and leave them out of it', async () => {
    const files = {
      ...trial(),
      'train/p0_000kg_red.tif': tiffFixture({
        width: 2,
        height: 2,
        bands: [[-9, Number.NaN, Number.POSITIVE_INFINITY, 2]],
        type: 'float32',
        nodata: '-9',
      }),
    };
    const finished = await run(files, { ...small, validation: 0 });
    const read = await features(finished);
    const mean = read.description.preprocessing.fill[0] as number;
    expect(mean).toBeCloseTo((2 + 7 * 4.15 * 4) / 29, 5);
    expect([...(await read.readPlots('train', [0]))].filter((_, i) => i % 2 === 0)).toEqual(
      [mean, mean, mean, 2].map(Math.fround),
    );
    expect(finished.outcome.facts?.invalidPixels).toBe(3);
  });

  test('give a channel that never changes the standard deviation 1', async () => {
    const files = Object.fromEntries(
      Object.keys(trial()).map((path) => [path, writeTiff(2, 2, new Float32Array(4).fill(0.5))]),
    );
    expect((await features(await run(files))).description.statistics).toEqual({ mean: [0.5, 0.5], std: [1, 1] });
  });

  test('are the same bytes every time, however the files are listed; another seed draws other validation plots', async () => {
    const plots = await bench.artifact('plots', trial());
    const digest = async (artifact: ArtifactReader, seed: number): Promise<string> =>
      (await bench.run(preprocess, { params: small, seed, inputs: { plots: artifact } })).ref.digest;
    const first = await digest(plots, 1);
    expect(await digest(plots, 1)).toBe(first);
    expect(await digest({ ...plots, files: async () => [...(await plots.files())].reverse() }, 1)).toBe(first);
    const seeds = await Promise.all([2, 3, 4].map((seed) => digest(plots, seed)));
    expect(seeds.some((other) => other !== first)).toBe(true);
  });

  test('come alike from one file a band and from one file for all', async () => {
    const stacked: Files = {};
    const paths = new Set(Object.keys(trial()).map((path) => path.replace(/_(red|nir)\.tif$/, '')));
    for (const path of paths) {
      const both = await Promise.all(
        bands.map((band) => readRaster(trial()[`${path}_${band}.tif`] as Uint8Array, path)),
      );
      stacked[`${path}.tif`] = tiffFixture({
        width: 2,
        height: 2,
        bands: both.map((raster) => [...(raster.bands[0] as Float32Array)]),
        type: 'float32',
        compression: 8,
      });
    }
    const one = await run(stacked, { ...small, pattern: '{plot}.tif' });
    expect(one.ref.digest).toBe((await run(trial())).ref.digest);
  });

  test('are what the shared function makes of the same rasters, as when serving', async () => {
    const params = { bands, size: [3, 1], indices: ['ndvi'], validRange: [0.05, 150] };
    const read = await features(await run(trial(), params));
    const files = trial();
    const rasters = new Map<string, Band>();
    for (const band of bands) {
      const {
        width,
        height,
        bands: [pixels],
      } = await readRaster(files[`train/p0_000kg_${band}.tif`] as Uint8Array, band);
      rasters.set(band, { width, height, pixels: pixels as Float32Array });
    }
    const split = read.rows('train').some((row) => row.plot === 'p0_000kg') ? 'train' : 'validation';
    const index = read.rows(split).findIndex((row) => row.plot === 'p0_000kg');
    expect(preprocessPlot(rasters, read.description.preprocessing)).toEqual(await read.readPlots(split, [index]));
  });

  test("may be split at random by groups that the plots' names say", async () => {
    const files: Files = {};
    for (let i = 0; i < 40; i++)
      Object.assign(files, plotFiles(`${'ABCDEFGHIJ'[Math.floor(i / 4)]}${i}_${(i % 4) * 100}kg`, i));
    const read = await features(await run(files, { ...small, split: { test: 0.3 }, group: '^([A-J])' }));
    const splitsOf = new Map<string, Set<string>>();
    for (const split of ['train', 'validation', 'test'] as const) {
      for (const row of read.rows(split)) splitsOf.set(row.group, (splitsOf.get(row.group) ?? new Set()).add(split));
    }
    expect(splitsOf.size).toBe(10);
    for (const found of splitsOf.values()) expect(found.size).toBe(1);
    expect(read.rows('test').length).toBe(12);
  });
});

describe('bad input', () => {
  const wrong = (): Files => {
    const files = trial();
    delete files['train/p0_000kg_nir.tif'];
    files['train/p1_100kg_red.TIF'] = files['train/p1_100kg_red.tif'] as Uint8Array;
    files['train/p2_000kg_nir.tif'] = writeTiff(3, 2, new Float32Array(6));
    files['train/p3_100kg_nir.tif'] = (files['train/p3_100kg_nir.tif'] as Uint8Array).slice(0, -3);
    files['train/p4_000kg_red.tif'] = writeTiff(2, 2, new Float32Array(4).fill(Number.NaN));
    files['test/t0_000kg_red.tif'] = tiffFixture({
      width: 2,
      height: 2,
      bands: [[1, 2, 3, 4]],
      type: 'float32',
      tags: { 259: [7] },
    });
    Object.assign(files, plotFiles('train/nitrogen_unsaid', 1), plotFiles('holdout/p9_100kg', 1));
    return files;
  };
  const kinds = {
    'missing-band': 1,
    'extra-file': 1,
    'size-differs': 1,
    unreadable: 1,
    'no-valid-pixel': 1,
    unsupported: 1,
    'no-target': 1,
    'no-split': 1,
  };

  test('is all reported at once, each with its file', async () => {
    const error = await run(wrong()).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(FurrowError);
    const { code, message, details } = error as FurrowError;
    expect(code).toBe('DATA_BAD_INPUT');
    expect(details).toEqual({ count: 8, kinds });
    for (const line of [
      'p0_000kg: has no file for the band nir',
      'train/p1_100kg_red.tif: is a second file for red beside train/p1_100kg_red.TIF',
      'train/p2_000kg_nir.tif: The band nir has 2x3 pixels, red has 2x2',
      'train/p3_100kg_nir.tif: ends within block 0',
      'train/p4_000kg_red.tif: The band red has no valid pixel',
      'test/t0_000kg_red.tif: Compression (tag 259) is 7 (JPEG), which is not supported',
      'nitrogen_unsaid: does not say its nitrogen',
      'holdout/p9_100kg: lies neither in train/ nor in test/',
    ]) {
      expect(message).toContain(line);
    }
  });

  test('of one plot is reported whole: every bad file of it, also beside a missing band and an unsaid target', async () => {
    const nothing = writeTiff(2, 2, new Float32Array(4).fill(Number.NaN));
    const files = {
      ...trial(),
      'train/p0_000kg_red.tif': nothing,
      'train/p0_000kg_nir.tif': nothing,
      'train/p1_100kg_red.tif': new Uint8Array(),
      'train/p1_100kg_nir.tif': nothing,
      'train/unsaid_red.tif': nothing,
    };
    const error = (await run(files).catch((thrown: unknown) => thrown)) as FurrowError;
    expect(error.details).toEqual({
      count: 6,
      kinds: { 'missing-band': 1, 'no-target': 1, 'no-valid-pixel': 4, unreadable: 1 },
    });
    for (const file of ['p0_000kg_red', 'p0_000kg_nir', 'p1_100kg_nir', 'unsaid_red'])
      expect(error.message).toMatch(new RegExp(`train/${file}\\.tif: The band .* has no valid pixel`));
    expect(error.message).toContain('train/p1_100kg_red.tif: is empty');
    expect(error.message).toMatch(/ {2}unsaid: .*nitrogen.*nir| {2}unsaid: .*nir.*nitrogen/);
  });

  test('is in the log, a line a file, whatever the message has room for', async () => {
    const files: Files = {};
    for (let i = 0; i < 300; i++) Object.assign(files, plotFiles(`train/upper_left_of_the_field_p${i}_100kg`, i));
    for (const path of Object.keys(files)) if (path.endsWith('_nir.tif')) files[path] = new Uint8Array();
    const lines: string[] = [];
    const plots = await bench.artifact('plots', files);
    const failing = bench.run(preprocess, { params: small, inputs: { plots }, onWarning: (line) => lines.push(line) });
    const error = (await failing.catch((thrown: unknown) => thrown)) as FurrowError;
    expect(error.message.length).toBeLessThanOrEqual(longestMessage);
    expect(error.message).toMatch(/and \d+ more; the worker's log has every one$/);
    expect(lines).toHaveLength(300);
    for (const path of Object.keys(files).filter((name) => name.endsWith('_nir.tif')))
      expect(lines).toContainEqual(`not usable: ${path}: is empty`);
  });

  test('a file of a band that only some plots have is one; a band that most have is a choice, and counted', async () => {
    const extra = writeTiff(2, 2, new Float32Array(4));
    const files: Files = { ...trial(), 'train/p3_100kg_blue.tif': extra, 'train/p4_000kg_shade_mask.tif': extra };
    for (const path of Object.keys(trial()).filter((name) => name.endsWith('_red.tif')))
      files[path.replace('_red', '_thermal')] = extra;
    const error = (await run(files).catch((thrown: unknown) => thrown)) as FurrowError;
    expect(error.details).toEqual({ count: 2, kinds: { 'extra-band': 2 } });
    expect(error.message).toContain('train/p3_100kg_blue.tif: is of the band blue, which is not in `bands`');
    expect(error.message).toContain('train/p4_000kg_shade_mask.tif: is of the band shade_mask');
    const finished = await run(files, { ...small, onBadInput: 'skip' });
    expect(finished.outcome.facts).toMatchObject({
      skipped: { count: 2, kinds: { 'extra-band': 2 } },
      ignoredFiles: 10,
      ignoredBands: { thermal: 10 },
    });
  });

  test('groups that the split parts are in the same report, plot by plot, and are dropped whole', async () => {
    const files = { ...trial(), 'train/p5_100kg_red.tif': new Uint8Array(), ...plotFiles('test/p9_100kg', 1) };
    const params = { ...small, group: '^([a-z]\\d)', validation: 0 };
    const parted = { ...files, ...plotFiles('train/t0_again_100kg', 1) };
    const error = (await run(parted, params).catch((thrown: unknown) => thrown)) as FurrowError;
    expect(error.details.kinds).toEqual({ 'group-parted': 2, unreadable: 1 });
    expect(error.message).toContain('t0_again_100kg: is a train plot; others of its group t0 are test plots');
    const read = await features(await run(parted, { ...params, onBadInput: 'skip' }));
    expect(read.rows('test').map(({ plot }) => plot)).toEqual(['p9_100kg', 't1_100kg']);
    expect(read.rows('train').map(({ plot }) => plot)).not.toContain('t0_again_100kg');
  });

  test('a plot outside the group pattern has no group', async () => {
    const files = { ...trial(), ...plotFiles('train/unlike_100kg', 1) };
    const error = (await run(files, { ...small, group: '^([pt]\\d)' }).catch(
      (thrown: unknown) => thrown,
    )) as FurrowError;
    expect(error.details.kinds).toEqual({ 'no-group': 1 });
    expect(error.message).toContain('unlike_100kg: does not match the group pattern');
  });

  test('labels that lack columns are in the report beside bad files, also where bad plots are skipped', async () => {
    const files = { ...trial(), 'labels.csv': 'plot,kgs\np0_000kg,1\n', 'train/p5_100kg_red.tif': new Uint8Array() };
    const target = { labels: { target: 'kg', split: 'use' } };
    const error = (await run(files, { ...small, target, onBadInput: 'skip' }).catch(
      (thrown: unknown) => thrown,
    )) as FurrowError;
    expect(error.code).toBe('DATA_BAD_INPUT');
    expect(error.details.kinds).toEqual({ 'bad-labels': 2, unreadable: 1 });
    expect(error.message).toContain('has no column `kg`; did you mean `kgs`?');
    expect(error.message).toContain('has no column `use`');
    expect(error.message).toContain('train/p5_100kg_red.tif: is empty');
  });

  test('is dropped and recorded when the config says so', async () => {
    const finished = await run(wrong(), { ...small, onBadInput: 'skip', validation: 0 });
    expect(finished.outcome.facts?.skipped).toEqual({ count: 8, kinds });
    expect(finished.attachments).toEqual(['skipped.json']);
    const read = await features(finished);
    expect([...read.rows('train'), ...read.rows('test')].map((row) => row.plot)).toEqual([
      'p5_100kg',
      'p6_000kg',
      'p7_100kg',
      't1_100kg',
    ]);
  });

  test('labels without plots and plots without labels are told apart', async () => {
    const files = { ...trial(), 'labels.csv': 'plot,kg\np0_000kg,1\np1_100kg,2\nghost,3\np2_000kg,many\n' };
    const error = (await run(files, { ...small, target: { labels: { target: 'kg' } } }).catch(
      (thrown: unknown) => thrown,
    )) as FurrowError;
    expect(error.details.kinds).toEqual({ 'bad-label': 1, 'no-label': 7, 'no-plot': 1 });
    expect(error.message).toContain('labels.csv line 4: labels ghost, of which there is no file');
    expect(error.message).toContain('labels.csv line 5: has the target `many`');
    expect(error.message).toContain('t1_100kg: has no row in labels.csv');
  });

  test('a source without any file of the pattern, or without the labels, says what was looked for', async () => {
    await expect(run(trial(), { ...small, pattern: '{plot}-{band}.tif' })).rejects.toMatchObject({
      code: 'DATA_EMPTY',
    });
    await expect(run(trial(), { ...small, target: { labels: { target: 'kg' } } })).rejects.toThrow(
      'labels.csv: is not in the source',
    );
  });

  test('when nothing is left, skipping is no success', async () => {
    const files = { 'train/p0_000kg_red.tif': new Uint8Array(), 'train/p0_000kg_nir.tif': new Uint8Array() };
    await expect(run(files, { ...small, onBadInput: 'skip' })).rejects.toMatchObject({ code: 'DATA_EMPTY' });
  });
});

describe('a config is refused before anything runs when', () => {
  test.each([
    ['an index lacks its band', { bands: ['red'], indices: ['ndvi'] }, 'needs the band nir'],
    ['it splits by labels and has none', { split: { by: 'labels' } }, 'labels: { split'],
    ['the pattern has no plot', { pattern: '{band}.tif' }, '{plot}'],
    ['the pattern has an unknown placeholder', { pattern: '{plot}_{bnad}.tif' }, 'placeholders'],
    ['the group captures nothing', { group: '[A-Z]' }, 'capture'],
    ['a band comes twice', { bands: ['red', 'red'] }, 'once'],
    ['the range is upside down', { validRange: [1, 0] }, 'lowest'],
  ])('%s', (_, params, message) => {
    expect(preprocess.contract.params.safeParse(params).error?.issues[0]?.message).toContain(message);
  });
});

test('memory does not grow with the number of plots', async () => {
  // 160 plots of 1 MiB each.
  const [side, plots] = [256, 160];
  const file = writeTiff(
    side,
    side,
    Float32Array.from({ length: side * side }, (_, i) => i % 97),
  );
  const listing = Array.from({ length: plots }, (_, i) => bandsOf(i)).flat();
  function bandsOf(i: number): { path: string; digest: `sha256:${string}`; bytes: number }[] {
    return ['green', 'red', 'red_edge', 'nir'].map((band) => ({
      path: `train/p${i}_${(i % 4) * 100}kg_${band}.tif`,
      digest: 'sha256:',
      bytes: file.length,
    }));
  }
  const artifact = await bench.artifact('plots', {});
  const added = async (path: string): Promise<{ path: string; digest: 'sha256:'; bytes: 0 }> => ({
    path,
    digest: 'sha256:',
    bytes: 0,
  });
  let peak = 0;
  const before = process.memoryUsage().arrayBuffers;
  const result = await preprocessPlots({
    plots: { ...artifact, files: async () => listing, read: async () => file },
    params: preprocess.contract.params.parse({ size: [side, side] }),
    seed: 1,
    scratch: bench.folder,
    output: { add: added, addFile: added, addStored: added, attach: added, attachFile: added },
    signal: new AbortController().signal,
    log: { info: () => undefined, warn: () => undefined },
    progress: () => {
      peak = Math.max(peak, process.memoryUsage().arrayBuffers - before);
    },
  });
  expect(result.plots.train + result.plots.validation).toBe(plots);
  expect(peak).toBeLessThan(0.6 * plots * 2 ** 20);
}, 60_000);

test('cancelling ends it between two plots', async () => {
  const cancel = new AbortController();
  const plots = await bench.artifact('plots', trial());
  const seen: number[] = [];
  const running = bench.run(preprocess, {
    params: small,
    inputs: { plots },
    signal: cancel.signal,
    onProgress: ({ done }) => {
      seen.push(done ?? 0);
      if (done === 3) cancel.abort(new Error('cancelled'));
    },
  });
  await expect(running).rejects.toThrow('cancelled');
  expect(seen).toEqual([1, 2, 3]);
});

const forest = resolve(import.meta.dirname, '../../shared/data/sentinel2-forest');
const reason = await access(forest).then(
  () => undefined,
  () => 'the Sentinel-2 data is not on this machine (../shared/data/sentinel2-forest)',
);

describe('real satellite data', () => {
  test('is fetched and preprocessed: 300 plots train, 200 test, and no place is parted', async ({ skip }) => {
    if (reason) skip(reason);
    const { artifact } = await bench.run(fetchData, { params: { source: `file:${forest}` } });
    const target = { labels: { target: 'forest_pct', split: 'split', group: 'group', unit: '%' } };
    const finished = await bench.run(preprocess, {
      params: { target, split: { by: 'labels' }, size: [10, 10] },
      seed: 42,
      inputs: { plots: artifact },
    });
    expect(finished.outcome.metrics).toEqual({ plots_train: 240, plots_validation: 60, plots_test: 200 });
    const read = await features(finished);
    const splitOf = new Map<string, string>();
    for (const split of ['train', 'validation', 'test'] as const) {
      for (const row of read.rows(split)) {
        expect(splitOf.get(row.group) ?? split).toBe(split);
        splitOf.set(row.group, split);
      }
    }
    expect(splitOf.size).toBe(100);
    const median = [...read.rows('train'), ...read.rows('validation')]
      .map((row) => row.target)
      .sort((a, b) => a - b)[150] as number;
    const error = read.rows('test').reduce((sum, row) => sum + Math.abs(row.target - median), 0) / 200;
    // The data's own note says 25.7 for the median.
    expect(error).toBeCloseTo(25.7, 0);
    const green = await readRaster(
      await readFile(join(forest, 'test', `${read.rows('test')[0]?.plot}_green.tif`)),
      'green',
    );
    expect((await read.readPlots('test', [0]))[0]).toBe(green.bands[0]?.[0]);
  }, 60_000);
});
