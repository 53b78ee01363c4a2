/** How long a training takes to start: from the spawn of its child process to the message that its first step is done. */
import { join } from 'node:path';
import type { SteppedTrainParams } from '../../contract/stages/train.ts';
import { trainInChild } from '../../lib/models/child/trainInChild.ts';
import { writeSyntheticFeatures } from '../features.ts';
import { type Spread, spread } from '../statistics.ts';
import { paramsOf, plotsOfABatch, threads } from './cases.ts';

export interface StartRow {
  readonly name: string;
  readonly ms: Spread;
  readonly limit: number;
}

const limit = 3_000;
/** Two batches, and a few for validation. */
const plots = 40;

const cases = [
  {
    name: `convnet2d of 8 and 8 filters, 40x26, batch ${plotsOfABatch}`,
    size: [40, 26] as const,
    params: () => paramsOf('convnet2d', { filters: [8, 8] }),
  },
  {
    name: `convnet2d, 160x106, batch ${plotsOfABatch}`,
    size: [160, 106] as const,
    params: () => paramsOf('convnet2d'),
  },
];

export async function measureStarts(folder: string, times: number): Promise<StartRow[]> {
  const rows: StartRow[] = [];
  for (const [index, { name, size, params }] of cases.entries()) {
    const features = join(folder, `start-${index}`);
    await writeSyntheticFeatures(features, { plots, size });
    const ms: number[] = [];
    // The first one brings the files into memory, as a worker's first look at them did.
    for (let time = 0; time <= times; time++) ms.push(await timeStart(features, params(), folder));
    rows.push({ name, ms: spread(ms.slice(1)), limit });
  }
  return rows;
}

async function timeStart(features: string, params: SteppedTrainParams, folder: string): Promise<number> {
  const started = performance.now();
  let pid = 0;
  let ms = Number.NaN;
  await trainInChild({
    task: {
      features,
      params,
      seed: 1,
      key: 'sha256:start',
      checkpoint: undefined,
      output: join(folder, 'start-model'),
      scratch: folder,
      work: join(folder, 'start-work'),
    },
    signal: new AbortController().signal,
    log: { info: () => {}, warn: () => {} },
    env: { TF_NUM_INTRAOP_THREADS: String(threads) },
    onSpawn: (spawned) => {
      pid = spawned;
    },
    onProgress: ({ done }) => {
      if (done === undefined || !Number.isNaN(ms)) return;
      ms = performance.now() - started;
      process.kill(pid, 'SIGKILL');
    },
  }).catch((error: unknown) => {
    // It was killed once all was known.
    if (Number.isNaN(ms)) throw error;
  });
  return ms;
}
