import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ResourceMeter } from './resourceMeter.ts';

let folder: string;
const path = process.env.PATH;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'furrow-meter-'));
});
afterEach(async () => {
  process.env.PATH = path;
  await rm(folder, { recursive: true, force: true });
});

it('tells memory, and the CPU time between two looks', () => {
  const meter = new ResourceMeter();
  meter.read();
  for (const end = performance.now() + 200; performance.now() < end; );
  const { memory_mb, cpu_percent } = meter.read();
  meter.stop();
  expect(memory_mb).toBeGreaterThan(20);
  expect(cpu_percent).toBeGreaterThan(30);
});

it.skipIf(process.platform === 'win32')('tells what the driver says of the GPU', async () => {
  await writeFile(join(folder, 'nvidia-smi'), '#!/bin/sh\n[ "$3" = "--id=1" ] && echo "87, 20480"\n');
  await chmod(join(folder, 'nvidia-smi'), 0o755);
  process.env.PATH = `${folder}${delimiter}${path}`;
  vi.stubEnv('CUDA_VISIBLE_DEVICES', '1,2');
  const meter = new ResourceMeter();
  await vi.waitFor(() => expect(meter.read()).toMatchObject({ gpu_percent: 87, gpu_memory_mb: 20480 }), 5000);
  meter.stop();
  vi.unstubAllEnvs();
});

it('says nothing of a GPU where there is none', async () => {
  process.env.PATH = folder;
  const meter = new ResourceMeter();
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(meter.read()).not.toHaveProperty('gpu_percent');
  meter.stop();
});
