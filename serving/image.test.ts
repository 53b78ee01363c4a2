import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { preprocessPlot } from '../lib/data/plot/preprocessPlot.ts';
import { buildServingImage } from '../lib/image/build.ts';
import { loadModel } from '../lib/models/predict.ts';
import { bundleServing, servingBundles } from './bundle.mjs';
import { readPlot } from './plotBands.ts';
import { startContainer, unpack, whyNoContainers } from './testing/container.ts';
import { plotTiffs, writeServedModel } from './testing/servedModel.ts';

const root = join(import.meta.dirname, '..');
const hasTensorflow = existsSync(
  join(
    dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-node/package.json')),
    'lib/napi-v8/tfjs_binding.node',
  ),
);

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'furrow-image-'));
  await bundleServing({ root, outdir: folder });
}, 60_000);

afterAll(() => rm(folder, { recursive: true }));

if (whyNoContainers) console.warn(`Skipped: what the images answer. ${whyNoContainers}`);
else if (!hasTensorflow) console.warn('Skipped: what a network answers in an image. TensorFlow is not installed.');

// Without root the image is checked by its contents alone, in lib/image.
describe.skipIf(whyNoContainers)('the image, unpacked and started as its user', () => {
  test('answers as the model does here, and ends at SIGTERM', () => answersAlike('ridge'), 60_000);

  test.runIf(hasTensorflow)(
    'brings TensorFlow for a network that needs it, and answers as the model does here',
    () => answersAlike('convnet2d'),
    180_000,
  );
});

async function answersAlike(network: 'ridge' | 'convnet2d'): Promise<void> {
  const [model, image, files] = ['model', 'image', 'files'].map((name) => join(folder, network, name)) as [
    string,
    string,
    string,
  ];
  for (const each of [model, image, files]) await mkdir(each, { recursive: true });
  const version = await writeServedModel(model, network);
  const { layout, layers } = await buildServingImage({
    folder: image,
    model,
    version,
    needsTensorflow: network !== 'ridge',
    bundles: { server: join(folder, servingBundles.server), tfjs: join(folder, servingBundles.tfjs) },
    reference: 'nitrogen:v3',
  });
  expect(layers.map(({ name }) => name)).toContain('server');
  expect(layers.some(({ name }) => name === 'tensorflow')).toBe(network !== 'ridge');
  await unpack(layout, files);
  const container = await startContainer(layout, files);
  try {
    expect(await (await fetch(`${container.address}/healthz`)).json()).toEqual({
      status: 'ok',
      model: 'nitrogen',
      version: 3,
    });
    const answers = await Promise.all([1, 2, 3].map((seed) => ask(container.address, seed)));
    expect(answers).toEqual(await predictHere(model, [1, 2, 3]));
    // Otherwise the equality says nothing.
    expect(new Set(answers).size).toBe(3);
  } finally {
    expect(await container.stop()).toBe(0);
  }
}

async function ask(address: string, seed: number): Promise<number> {
  const form = new FormData();
  for (const [band, bytes] of plotTiffs(seed)) form.append(band, new Blob([bytes]), 'plot.tif');
  const answer = await fetch(`${address}/v1/predict`, { method: 'POST', body: form });
  return ((await answer.json()) as { prediction: number }).prediction;
}

/** As evaluation does it: all plots in one batch. */
async function predictHere(folder: string, seeds: readonly number[]): Promise<number[]> {
  const model = await loadModel(folder);
  const { preprocessing } = model.description.input;
  const plots = await Promise.all(
    seeds.map(async (seed) => {
      const files = [...plotTiffs(seed)].map(([field, bytes]) => ({ field, name: 'plot.tif', bytes }));
      return preprocessPlot((await readPlot(files, preprocessing.bands)).bands, preprocessing);
    }),
  );
  const length = plots[0]?.length ?? 0;
  const batch = new Float32Array(length * plots.length);
  for (const [i, plot] of plots.entries()) batch.set(plot, i * length);
  const answers = await model.predict(batch);
  model.dispose();
  return [...answers];
}
