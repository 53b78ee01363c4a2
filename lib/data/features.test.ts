import { mkdir, mkdtemp, rm, truncate, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ArtifactFile } from '../../contract/artifact.ts';
import { type FeaturesDescription, type PlotRow, splits } from '../../contract/features.ts';
import { openFeatures } from './features.ts';
import { plotsPerShard, writeFeatures } from './featuresWriter.ts';

// 512 x 512 x 2 floats are 2 MiB: 8 plots a shard, so 20 training plots lie in three.
const [height, width, channels] = [512, 512, 2];
const plotLength = height * width * channels;
const counts = { train: 20, validation: 3, test: 0 };
const floatOf = (split: string, index: number, at: number): number =>
  (split === 'train' ? 0 : 1000) + index + (at % channels) * 0.5;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'furrow-features-'));
  await writeInto(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function writeInto(target: string): Promise<void> {
  const add = async (path: string, content: Uint8Array | string): Promise<ArtifactFile> => {
    await mkdir(dirname(join(target, path)), { recursive: true });
    await writeFile(join(target, path), content);
    return { path, digest: 'sha256:', bytes: content.length };
  };
  const unused = (): never => {
    throw new Error('not used');
  };
  const writer = writeFeatures(
    { add, addFile: unused, addStored: unused, attach: unused, attachFile: unused },
    plotLength,
    channels,
  );
  for (const split of splits) {
    for (let index = 0; index < counts[split]; index++) {
      const row: PlotRow = { plot: `${split}${index}`, split, group: 'g', target: index };
      await writer.add(
        row,
        Float32Array.from({ length: plotLength }, (_, at) => floatOf(split, index, at)),
      );
    }
  }
  const description: FeaturesDescription = {
    format: 1,
    preprocessing: { bands: ['red', 'nir'], indices: [], height, width, fit: 'resize', fill: [0, 0] },
    channels: ['red', 'nir'],
    statistics: { mean: [0, 0], std: [1, 1] },
    target: { name: 'nitrogen', unit: 'kg/ha' },
    plots: counts,
    plotsPerShard: plotsPerShard(plotLength),
  };
  await writer.finish(description);
}

describe('features are read by position', () => {
  test('in the order asked for, across shards, with repetitions', async () => {
    const features = await openFeatures(folder);
    const wanted = [19, 7, 8, 9, 0, 7];
    const read = await features.readPlots('train', wanted);
    expect(read.length).toBe(wanted.length * plotLength);
    for (const [place, index] of wanted.entries()) {
      for (const at of [0, 1, plotLength - 1]) expect(read[place * plotLength + at]).toBe(floatOf('train', index, at));
    }
    expect(features.rows('train').map((row) => row.target)).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });

  test('a range, into an array that is there already', async () => {
    const features = await openFeatures(folder);
    const into = new Float32Array(4 * plotLength).fill(-1);
    expect(await features.readPlots('validation', { from: 1, to: 3 }, into)).toBe(into);
    expect([into[0], into[plotLength], into[2 * plotLength]]).toEqual([1001, 1002, -1]);
  });

  test('summaries hold each mean, then each standard deviation', async () => {
    const features = await openFeatures(folder);
    const summary = await features.readSummary('validation');
    expect([...summary]).toEqual([1000, 1000.5, 0, 0, 1001, 1001.5, 0, 0, 1002, 1002.5, 0, 0]);
    expect(await features.readSummary('test')).toHaveLength(0);
  });

  test("a batch costs its own memory, not the data set's", async () => {
    const features = await openFeatures(folder);
    const before = process.memoryUsage().arrayBuffers;
    const read = await features.readPlots('train', [3]);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 * read.byteLength);
  });

  test.each([[[20]], [[-1]], [[0.5]]])('index %o that the split does not have is refused', async (indices) => {
    await expect((await openFeatures(folder)).readPlots('train', indices)).rejects.toThrow('from 0 to 19');
  });

  test('an array that is too small is refused', async () => {
    await expect((await openFeatures(folder)).readPlots('train', [0, 1], new Float32Array(plotLength))).rejects.toThrow(
      '2 plots',
    );
  });
});

test('a shard that is cut short or missing is found when opening, not in the middle of training', async () => {
  const damaged = await mkdtemp(join(tmpdir(), 'furrow-features-'));
  try {
    await writeInto(damaged);
    await truncate(join(damaged, 'train/00001.f32'), 100);
    await expect(openFeatures(damaged)).rejects.toMatchObject({
      code: 'ARTIFACT_FILE_UNKNOWN',
      details: { path: 'train/00001.f32' },
    });
    await unlink(join(damaged, 'train/00001.f32'));
    await expect(openFeatures(damaged)).rejects.toThrow('train/00001.f32 is missing');
  } finally {
    await rm(damaged, { recursive: true, force: true });
  }
});
