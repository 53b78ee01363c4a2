import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { preprocessPlot } from '../lib/data/plot/preprocessPlot.ts';
import { readRaster } from '../lib/data/raster/readRaster.ts';
import { tiffFixture } from '../lib/data/raster/tiffFixtures.ts';
import { loadModel } from '../lib/models/predict.ts';
import { createApp } from './app.ts';
import { openPredictor, type Predictor } from './predictor.ts';
import { bands, plotTiffs, writeServedModel } from './testing/servedModel.ts';

let folder: string;
let predictor: Predictor;
let app: FastifyInstance;
let address: string;
const log: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'furrow-serving-'));
  await writeServedModel(folder, 'ridge');
  predictor = await openPredictor(folder);
  const stream = new Writable({ write: (line, _encoding, done) => done(void log.push(String(line))) });
  app = createApp(predictor, { logger: { stream, level: 'trace' } as never });
  address = await app.listen({ port: 0, host: '127.0.0.1' });
});

afterAll(async () => {
  await app.close();
  predictor.dispose();
  await rm(folder, { recursive: true });
});

test('a plot is answered with what the model says of the same pixels', async () => {
  const tiffs = plotTiffs(1);
  const { status, body } = await send([...tiffs].map(([band, bytes]) => [band, 'x.tif', bytes]));
  expect(status).toBe(200);
  expect(body).toEqual({ prediction: await expected(tiffs), unit: 'kg/ha', model: 'nitrogen', version: 3 });
});

test('bands are told by file names, the plot is named after them, and other bands are left out', async () => {
  const tiffs = plotTiffs(2);
  const files = [...tiffs].map(([band, bytes]) => ['files', `lower_left_A5_${band}.TIF`, bytes] as const);
  const { body } = await send([
    ...files,
    ['files', 'lower_left_A5_blue.tif', tiffs.get('red') as Uint8Array<ArrayBuffer>],
  ]);
  expect(body).toMatchObject({ plot: 'lower_left_A5', prediction: await expected(tiffs) });
});

test('the order in which bands are sent does not matter', async () => {
  const tiffs = plotTiffs(2);
  const { body } = await send([...tiffs].reverse().map(([band, bytes]) => [band, 'x.tif', bytes]));
  expect(body.prediction).toBe(await expected(tiffs));
});

test('a missing band is named', async () => {
  const files = [...plotTiffs(1)].filter(([band]) => band !== 'red_edge');
  const { status, body } = await send(files.map(([band, bytes]) => [band, 'x.tif', bytes]));
  expect(status).toBe(422);
  expect(body.error).toMatchObject({ code: 'DATA_BAD_INPUT', message: expect.stringContaining('red_edge') });
});

test('a band that is sent twice is named', async () => {
  const files = [...plotTiffs(1)];
  const { status, body } = await send([...files, ...files].map(([band, bytes]) => [band, 'x.tif', bytes]));
  expect(status).toBe(422);
  expect(body.error?.message).toContain('green was sent twice');
});

test('bands of different sizes are refused', async () => {
  const { writeTiff } = await import('../lib/data/raster/writeTiff.ts');
  const tiffs = new Map(plotTiffs(1));
  tiffs.set('nir', new Uint8Array(writeTiff(4, 4, new Float32Array(16).fill(0.5))));
  const { status, body } = await send([...tiffs].map(([band, bytes]) => [band, 'x.tif', bytes]));
  expect(status).toBe(422);
  expect(body.error?.message).toContain('nir');
});

test('a file that is no TIFF, or breaks off, is named', async () => {
  const tiffs = plotTiffs(1);
  for (const damaged of [new Uint8Array([1, 2, 3]), (tiffs.get('red') as Uint8Array<ArrayBuffer>).slice(0, 300)]) {
    const files = [...tiffs].map(
      ([band, bytes]) => [band, `plot_${band}.tif`, band === 'red' ? damaged : bytes] as const,
    );
    const { status, body } = await send(files);
    expect(status).toBe(422);
    expect(body.error).toMatchObject({ code: 'FILE_UNREADABLE', message: expect.stringContaining('plot_red.tif') });
  }
});

test('one file with all bands is answered as the bands one by one, in a form and by itself', async () => {
  const layers = bands.map((_, band) => Array.from({ length: 20 * 16 }, (_, i) => Math.fround(0.1 * band + i / 1000)));
  const shape = { width: 16, height: 20, type: 'float32' } as const;
  const [stack, ...parts] = [layers, ...layers.map((layer) => [layer])].map(
    (each) => new Uint8Array(tiffFixture({ ...shape, bands: each })),
  ) as [Uint8Array<ArrayBuffer>, ...Uint8Array<ArrayBuffer>[]];
  const apart = await send(parts.map((bytes, i) => [bands[i] as string, 'x.tif', bytes]));
  const together = await send([['plot', 'lower_left_A5.tif', stack]]);
  expect(together.body).toEqual({ ...apart.body, plot: 'lower_left_A5' });
  const headers = { 'Content-Type': 'image/tiff' };
  const bare = await fetch(`${address}/v1/predict`, { method: 'POST', body: stack, headers });
  expect(await bare.json()).toEqual(apart.body);
});

test('a single file must hold all bands of the model', async () => {
  const tiff = plotTiffs(1).get('red') as Uint8Array<ArrayBuffer>;
  const answer = await fetch(`${address}/v1/predict`, {
    method: 'POST',
    body: tiff,
    headers: { 'Content-Type': 'image/tiff' },
  });
  expect(answer.status).toBe(422);
  expect(await answer.json()).toMatchObject({ error: { message: expect.stringContaining(bands.join(', ')) } });
});

test('requests that are not understood get a 4xx with a sentence', async () => {
  const post = (type: string, body: string) =>
    fetch(`${address}/v1/predict`, { method: 'POST', body, headers: { 'Content-Type': type } });
  expect((await post('multipart/form-data; boundary=x', '--x\r\nbroken')).status).toBe(400);
  expect((await post('multipart/form-data', 'anything')).status).toBe(400);
  expect((await post('image/tiff', '')).status).toBe(400);
  expect((await post('text/csv', '1,2')).status).toBe(415);
  expect((await post('application/json', '{')).status).toBe(400);
  expect((await fetch(`${address}/nowhere`)).status).toBe(404);
  const large = await fetch(`${address}/v1/predict`, {
    method: 'POST',
    body: new Uint8Array((64 << 20) + 1),
    headers: { 'Content-Type': 'image/tiff' },
  }).catch(() => undefined);
  // The server may hang up while the client still sends.
  expect(large?.status ?? 413).toBe(413);
});

test('what the server says of itself', async () => {
  expect(await (await fetch(`${address}/healthz`)).json()).toEqual({ status: 'ok', model: 'nitrogen', version: 3 });
  expect(await (await fetch(`${address}/v1/model`)).json()).toMatchObject({ bands, network: 'ridge' });
});

test('many at once are all answered', async () => {
  const tiffs = plotTiffs(4);
  const answers = await Promise.all(
    Array.from({ length: 12 }, () => send([...tiffs].map(([band, bytes]) => [band, 'x.tif', bytes]))),
  );
  expect(new Set(answers.map(({ body }) => body.prediction))).toEqual(new Set([await expected(tiffs)]));
});

test('the log names no file and no prediction', () => {
  expect(log.length).toBeGreaterThan(0);
  expect(log.join('')).not.toMatch(/lower_left|\.tif|"prediction":/);
});

type Answer = { plot?: string; prediction: number; error?: { code: string; message: string } };

async function send(files: readonly (readonly [field: string, name: string, bytes: Uint8Array<ArrayBuffer>])[]) {
  const form = new FormData();
  for (const [field, name, bytes] of files) form.append(field, new Blob([bytes]), name);
  const answer = await fetch(`${address}/v1/predict`, { method: 'POST', body: form });
  return { status: answer.status, body: (await answer.json()) as Answer };
}

async function expected(tiffs: ReadonlyMap<string, Uint8Array>): Promise<number> {
  const model = await loadModel(folder);
  const rasters = await Promise.all(
    [...tiffs].map(async ([band, bytes]) => {
      const { width, height, bands: layers } = await readRaster(bytes, band);
      return [band, { width, height, pixels: layers[0] as Float32Array }] as const;
    }),
  );
  const [prediction] = await model.predict(preprocessPlot(new Map(rasters), model.description.input.preprocessing));
  return prediction as number;
}
