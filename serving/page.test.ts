import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { chromium } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApp } from './app.ts';
import { predictionPage } from './page.ts';
import { openPredictor, type Predictor } from './predictor.ts';
import { plotTiffs, writeServedModel } from './testing/servedModel.ts';

const browserProgram = '/usr/bin/chromium';
let folder: string;
let predictor: Predictor;
let app: FastifyInstance;
let address: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'furrow-page-'));
  await writeServedModel(folder, 'ridge');
  predictor = await openPredictor(folder);
  app = createApp(predictor);
  address = await app.listen({ port: 0, host: '127.0.0.1' });
});

afterAll(async () => {
  await app.close();
  await rm(folder, { recursive: true });
});

test('names are shown as text, whatever they hold', () => {
  const { html } = predictionPage({ ...predictor, model: '<img src=x onerror=alert(1)>' });
  expect(html).not.toContain('<img');
});

test('the page comes with a policy that lets nothing in from elsewhere', async () => {
  const answer = await fetch(address);
  expect(answer.headers.get('content-type')).toContain('text/html');
  expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
});

test.runIf(existsSync(browserProgram))(
  'in a browser, a plot is answered and a missing band is named',
  async () => {
    const files = await writePlot();
    const browser = await chromium.launch({ executablePath: browserProgram, args: ['--no-sandbox'] });
    try {
      const page = await browser.newPage();
      const complaints: string[] = [];
      page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
      await page.goto(address);
      await page.setInputFiles('input', files);
      await page.click('button');
      await page.getByText(/lower_left_A5: -?\d+\.\d kg\/ha/).waitFor({ timeout: 10_000 });
      expect(complaints).toEqual([]);
      await page.setInputFiles('input', files.slice(1));
      await page.click('button');
      await page.getByText('The plot lacks green').waitFor({ timeout: 10_000 });
    } finally {
      await browser.close();
    }
  },
  60_000,
);

async function writePlot(): Promise<string[]> {
  const at = join(folder, 'plot');
  await mkdir(at, { recursive: true });
  const paths = [...plotTiffs(1)].map(([band, bytes]) => ({ path: join(at, `lower_left_A5_${band}.tif`), bytes }));
  for (const { path, bytes } of paths) await writeFile(path, bytes);
  return paths.map(({ path }) => path);
}
