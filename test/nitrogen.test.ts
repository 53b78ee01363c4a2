/** The pipelines in configs/, as they are: every file is valid, and both run to the image that answers as the evaluation did. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadContracts } from '../activities/attempt/catalog.ts';
import { attemptPointers } from '../activities/attempt/pointers.ts';
import type { ArtifactReader } from '../contract/artifact.ts';
import type { Json } from '../contract/json.ts';
import type { TrainPipelineResult } from '../contract/messages.ts';
import { evaluationFiles } from '../contract/model.ts';
import { mainQueue, trainQueue } from '../contract/queues.ts';
import { productRoot } from '../lib/code/root.ts';
import { parsePipeline } from '../lib/config/parsePipeline.ts';
import { readCsv } from '../lib/data/group/csv.ts';
import { readAlias } from '../lib/registry/aliases.ts';
import { readVersion } from '../lib/registry/versions.ts';
import { openArtifact } from '../lib/store/artifacts.ts';
import { startContainer, unpack, whyNoContainers } from '../serving/testing/container.ts';
import { type TestFurrow, testFurrow } from './harness/furrow.ts';
import { historyJson, payloadsOf } from './harness/history.ts';
import { expectValidLayout } from './harness/ociLayout.ts';
import { smallNitrogen } from './harness/pipelines.ts';

const configs = join(productRoot, 'configs');
const forest = process.env.FOREST_DATA ?? join(productRoot, '../shared/data/sentinel2-forest');
const allStages = ['data', 'features', 'convnet', 'vit', 'ridge', 'evaluate', 'register', 'image'];

let furrow: TestFurrow;

beforeAll(async () => {
  furrow = await testFurrow();
  await furrow.work([mainQueue]);
});
afterAll(() => furrow?.close());

describe('every pipeline in configs/', () => {
  const files = readdirSync(configs).filter((name) => name.endsWith('.yaml'));

  it.each(files)('%s has no problem', async (name) => {
    const text = readFileSync(join(configs, name), 'utf8');
    expect(parsePipeline({ text, file: name, env: {}, contracts: await loadContracts() })).toMatchObject({ ok: true });
  });
});

describe('configs/nitrogen.yaml, on a few small plots', () => {
  const set = {
    'data.source': 'synthetic:plots?train=16&test=8&height=80&width=53',
    ...smallNitrogen,
  };
  let handle: WorkflowHandle;
  let made: TrainPipelineResult;

  beforeAll(async () => {
    const trainer = await furrow.work([trainQueue]);
    handle = await start('nitrogen.yaml', set);
    made = await handle.result();
    trainer.shutdown();
    await trainer.done;
  }, 120_000);

  it('runs all its stages', () => {
    expect(Object.keys(made.stages)).toEqual(allStages);
    expect(Object.values(made.stages).some(({ cached }) => cached)).toBe(false);
    expect(made.stages.features?.facts).toMatchObject({ plots: { test: 8 } });
    expect(made.stages.convnet?.metrics).toHaveProperty('val_mae');
  });

  it('measures the winner on the test plots, beside the baselines', () => {
    const { metrics = {}, facts } = made.stages.evaluate ?? {};
    for (const name of ['test_mae', 'test_rmse', 'test_r2', 'baseline_ridge_mae', 'baseline_median_mae'])
      expect(metrics[name], name).toEqual(expect.any(Number));
    expect(facts).toMatchObject({ testedOn: 'test', testPlots: 8 });
    expect(made.headline).toEqual({ name: 'test_mae', value: metrics.test_mae });
  });

  it('draws the figures of its evaluation, of what the networks learned, too', async () => {
    const evaluation = await output(made, 'evaluate');
    const paths = (await evaluation.files()).map(({ path }) => path);
    for (const name of Object.values(evaluationFiles.figures))
      expect(paths).toEqual(expect.arrayContaining([`${name}.svg`, `${name}.png`]));
    const svg = async (name: string) => Buffer.from(await evaluation.read(`${name}.svg`)).toString();
    for (const name of ['convnet', 'vit', 'ridge'])
      expect(await svg(evaluationFiles.figures.predictedVsTrue)).toMatch(new RegExp(`>${name}( \\(chosen\\))?<`));
    expect(await svg(evaluationFiles.figures.tsne)).toContain('Learned features of 8 test plots');
  });

  it('registers the winner as the candidate', async () => {
    const pointers = attemptPointers(await furrow.store());
    expect(await readAlias(pointers, 'nitrogen', 'candidate')).toBe(1);
    const { evaluate, register } = made.stages;
    expect(await readVersion(pointers, 'nitrogen', 1)).toMatchObject({
      winner: { name: evaluate?.facts.winner },
      lineage: { evaluation: { digest: evaluate?.artifact.digest } },
      metrics: { test_mae: evaluate?.metrics.test_mae },
    });
    expect(register?.facts).toMatchObject({ version: 1, alias: 'candidate' });
  });

  it('makes a valid image, known by the digest that the run names', async () => {
    const folder = join(furrow.folder, 'layout');
    await (await output(made, 'image')).materialize(folder);
    const { digest } = await expectValidLayout({ folder });
    expect(made.stages.image?.facts.image).toBe(digest);
  });

  it('leaves a history under 100 KB, with nothing in it that came from a pixel', async () => {
    const { historySize, historyLength } = await handle.describe();
    expect(historySize).toBeGreaterThan(0);
    expect(historySize).toBeLessThan(100_000);
    const { events } = await handle.fetchHistory();
    expect(events).toHaveLength(historyLength);
    const history = historyJson(furrow, handle);
    expect(JSON.stringify(JSON.parse(history)).length).toBeLessThan(100_000);
    const payloads = payloadsOf(history);
    expect(JSON.stringify(Array(16).fill(0.5))).toMatch(numberRow);
    expect(payloads.length).toBeGreaterThan(2 * allStages.length);
    for (const payload of payloads) {
      expect(payload).not.toMatch(numberRow);
      expect(payload).not.toMatch(encodedBytes);
      expect(payload).not.toMatch(/Nitrogen_[A-Z]\d+_/);
    }
  });

  it('is found finished by a second run, with no train worker at all', async () => {
    const again: TrainPipelineResult = await (await start('nitrogen.yaml', set)).result();
    expect(Object.entries(again.stages).filter(([, { cached }]) => !cached)).toEqual([]);
    expect(again.stages.image?.facts).toEqual(made.stages.image?.facts);
    expect(again.headline).toEqual(made.headline);
  });

  it.skipIf(whyNoContainers)('serves what the evaluation measured', () => expectServed(made, 'nitrogen'), 60_000);
});

describe.skipIf(!existsSync(forest))('configs/sentinel2-forest.yaml, shortened, on real patches', () => {
  let made: TrainPipelineResult;

  beforeAll(async () => {
    const trainer = await furrow.work([trainQueue]);
    made = await (
      await start('sentinel2-forest.yaml', { 'cnn.folds': 2, 'cnn.epochs': 40 }, { FOREST_DATA: forest })
    ).result();
    trainer.shutdown();
    await trainer.done;
  }, 300_000);

  it("errs well below the training median's 25.7, shown beside the ridge's", () => {
    const { metrics, facts } = made.stages.evaluate ?? {};
    expect(facts).toMatchObject({ winner: 'cnn', network: 'pooled-cnn' });
    expect(metrics?.baseline_median_mae).toBeCloseTo(25.7, 1);
    expect(metrics?.baseline_ridge_mae).toBeLessThan(20);
    expect(metrics?.test_mae).toBeLessThan(18);
  });

  it.skipIf(whyNoContainers)('serves what the evaluation measured', () => expectServed(made, 'forest'), 60_000);
});

if (!existsSync(forest)) console.warn(`Skipped: no Sentinel-2 patches in ${forest}; FOREST_DATA names another folder`);
if (whyNoContainers) console.warn(`Skipped: what the images answer. ${whyNoContainers}`);

/** Sixteen numbers in a row, in whatever brackets or columns. */
const numberRow = /(?:-?\d+(?:\.\d+)?(?:e[-+]?\d+)?[\s,;[\]]+){16}/i;

function start(name: string, set: Readonly<Record<string, Json>>, env: Readonly<Record<string, string>> = {}) {
  const text = readFileSync(join(configs, name), 'utf8');
  return furrow.startWith({ config: { file: `configs/${name}`, text, baseFolder: furrow.folder, env }, set });
}

async function output(made: TrainPipelineResult, stage: string): Promise<ArtifactReader> {
  const artifact = made.stages[stage]?.artifact;
  if (!artifact) throw new TypeError(`The run has no stage ${stage}`);
  return openArtifact(await furrow.store(), artifact);
}

/** Longer than any digest with the path to it. */
const encodedBytes = /[A-Za-z0-9+/]{120}/;

/** Starts a run's image and asks it for plots that the run tested on, by the files that the run had of them. */
async function expectServed(made: TrainPipelineResult, name: string): Promise<void> {
  const [layout, files] = ['served', 'root'].map((part) => join(furrow.folder, name, part)) as [string, string];
  await mkdir(files, { recursive: true });
  await (await output(made, 'image')).materialize(layout);
  await unpack({ folder: layout }, files);
  const measured = await testPredictions(made);
  const container = await startContainer({ folder: layout }, files);
  try {
    for (const { plot, prediction } of measured) {
      const answer = await ask(container.address, await filesOf(made, plot));
      // The digits that predictions.csv keeps.
      expect(Number(answer.toPrecision(7)), plot).toBe(prediction);
    }
    // Otherwise the equality says little.
    expect(new Set(measured.map(({ prediction }) => prediction)).size).toBeGreaterThan(1);
  } finally {
    expect(await container.stop()).toBe(0);
  }
}

/** What the winner said of three test plots, as the evaluation wrote it down. */
async function testPredictions(made: TrainPipelineResult): Promise<{ plot: string; prediction: number }[]> {
  const winner = String(made.stages.evaluate?.facts.winner);
  const table = await (await output(made, 'evaluate')).read(evaluationFiles.predictions);
  const [header, ...rows] = readCsv(Buffer.from(table).toString()).map(({ values }) => values);
  const [plot, split, model] = ['plot', 'split', winner].map((name) => header?.indexOf(name) ?? -1) as [
    number,
    number,
    number,
  ];
  const tested = rows.filter((row) => row[split] === 'test');
  return [0, Math.floor(tested.length / 2), tested.length - 1].map((index) => ({
    plot: String(tested[index]?.[plot]),
    prediction: Number(tested[index]?.[model]),
  }));
}

async function filesOf(made: TrainPipelineResult, plot: string): Promise<Map<string, Uint8Array>> {
  const data = await output(made, 'data');
  const files = new Map<string, Uint8Array>();
  for (const { path } of await data.files()) {
    const [, band] = path.split(`${plot}_`);
    if (band?.endsWith('.tif')) files.set(band.replace('.tif', ''), await data.read(path));
  }
  return files;
}

async function ask(address: string, files: ReadonlyMap<string, Uint8Array>): Promise<number> {
  const form = new FormData();
  for (const [band, bytes] of files) form.append(band, new Blob([new Uint8Array(bytes)]), `${band}.tif`);
  const answer = await fetch(`${address}/v1/predict`, { method: 'POST', body: form });
  const body = (await answer.json()) as { prediction?: number };
  if (body.prediction === undefined) throw new Error(`The image answers ${JSON.stringify(body)}`);
  return body.prediction;
}
