import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { needsSignals } from '../test/harness/signals.ts';
import { bundleServing, servingBundles } from './bundle.mjs';
import { plotTiffs, writeServedModel } from './testing/servedModel.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'furrow-server-'));
  await bundleServing({ root: join(import.meta.dirname, '..'), outdir: folder });
  await writeServedModel(join(folder, 'model'), 'ridge');
}, 60_000);

afterAll(() => rm(folder, { recursive: true }));

test('at SIGTERM a request that has begun is answered, new ones are not taken, and the server ends well', async (context) => {
  needsSignals(context);
  const { child, port } = await start();
  const ended = new Promise((resolve) => child.on('close', resolve));
  const { head, tail, contentType } = await halves();
  const answer = new Promise<number | undefined>((resolve, reject) => {
    const sending = request({ port, host: '127.0.0.1', method: 'POST', path: '/v1/predict' }, (message) => {
      message.resume();
      resolve(message.statusCode);
    }).on('error', reject);
    sending.setHeader('Content-Type', contentType);
    sending.setHeader('Content-Length', head.length + tail.length);
    sending.write(head, () => {
      setTimeout(() => child.kill('SIGTERM'), 100);
      setTimeout(() => sending.end(tail), 500);
    });
  });
  expect(await answer).toBe(200);
  await expect(fetch(`http://127.0.0.1:${port}/healthz`)).rejects.toThrow();
  expect(await ended).toBe(0);
}, 20_000);

test('a server without a model says so and ends', async () => {
  const child = run({ MODEL_DIR: join(folder, 'nothing') });
  expect(await new Promise((resolve) => child.on('close', resolve))).not.toBe(0);
});

async function start(): Promise<{ child: ChildProcess; port: number }> {
  const child = run({ MODEL_DIR: join(folder, 'model') });
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    const port = /listening at http:\/\/127\.0\.0\.1:(\d+)/.exec(line)?.[1];
    if (port) return { child, port: Number(port) };
  }
  throw new Error('The server ended before it listened');
}

function run(env: NodeJS.ProcessEnv): ChildProcess {
  return spawn(process.execPath, [join(folder, servingBundles.server)], {
    env: { PORT: '0', HOST: '127.0.0.1', ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}

async function halves() {
  const form = new FormData();
  for (const [band, bytes] of plotTiffs(1)) form.append(band, new Blob([bytes]), 'plot.tif');
  const whole = new Response(form);
  const body = Buffer.from(await whole.arrayBuffer());
  return {
    head: body.subarray(0, body.length / 2),
    tail: body.subarray(body.length / 2),
    contentType: String(whole.headers.get('content-type')),
  };
}
