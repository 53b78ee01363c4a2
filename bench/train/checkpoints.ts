/** What checkpoints cost: one training through the real child into a real store, without them, with the usual ones, with many. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Digest } from '../../contract/artifact.ts';
import type { SteppedTrainParams } from '../../contract/stages/train.ts';
import { trainInChild } from '../../lib/models/child/trainInChild.ts';
import { runtimeClass } from '../../lib/models/runtimeClass.ts';
import { commitCheckpoint } from '../../lib/store/checkpoints.ts';
import { openStore } from '../../lib/store/store.ts';
import { writeSyntheticFeatures } from '../features.ts';
import { median } from '../statistics.ts';
import { paramsOf, threads } from './cases.ts';

export interface CheckpointRow {
  readonly network: string;
  readonly every: string;
  /** Of the steps, from the first to the last, in all. */
  readonly seconds: number;
  readonly checkpoints: number;
  readonly bytes: number;
  /** Of the time without checkpoints, what is taken on top. */
  readonly share: number;
  /** Of the usual ones alone. */
  readonly limit?: number;
}

const settings = [
  { every: 'none', checkpointEvery: '30d' },
  { every: '30s, the default', checkpointEvery: '30s', limit: 0.03 },
  { every: '1 epoch', checkpointEvery: 1 },
] as const;

const key = `sha256:${'0'.repeat(64)}` as Digest;
/** As many as the nitrogen trial trains on. */
const plots = 120;
const calibrationEpochs = 8;

/**
 * @param seconds of the training without checkpoints, about
 * @param times that each is measured, in turns
 */
export async function measureCheckpoints(
  network: string,
  { folder, seconds, times }: { folder: string; seconds: number; times: number },
): Promise<CheckpointRow[]> {
  const features = join(folder, 'checkpoints-features');
  await writeSyntheticFeatures(features, { plots, size: [160, 106] });
  // The largest state that there is: two slots for each weight, and the best weights so far.
  const params = (epochs: number, checkpointEvery: string | number) =>
    paramsOf(network, { optimizer: { adamw: { lr: 1e-4 } }, epochs, checkpointEvery });
  const trial = await train(features, params(calibrationEpochs, '30d'), folder);
  const epochs = Math.max(2, Math.round((seconds / trial.seconds) * calibrationEpochs));
  const measured = settings.map((): Trained[] => []);
  for (let time = 0; time < times; time++) {
    for (const [index, { checkpointEvery }] of settings.entries()) {
      measured[index]?.push(await train(features, params(epochs, checkpointEvery), folder));
    }
  }
  const secondsOf = (index: number) => median(measured[index]?.map((each) => each.seconds) ?? []);
  return settings.map(({ every, ...rest }, index) => ({
    network,
    every,
    seconds: secondsOf(index),
    checkpoints: median(measured[index]?.map((each) => each.checkpoints) ?? []),
    bytes: Math.max(...(measured[index]?.map((each) => each.bytes) ?? [])),
    share: secondsOf(index) / secondsOf(0) - 1,
    ...('limit' in rest && { limit: rest.limit }),
  }));
}

interface Trained {
  readonly seconds: number;
  readonly checkpoints: number;
  readonly bytes: number;
}

async function train(features: string, params: SteppedTrainParams, folder: string): Promise<Trained> {
  const store = await openStore(pathToFileURL(join(folder, 'checkpoints-store')).href, { create: true });
  const runtime = runtimeClass('tensorflow');
  let [first, last, checkpoints, bytes] = [Number.NaN, Number.NaN, 0, 0];
  await trainInChild({
    task: {
      features,
      params,
      seed: 1,
      key,
      checkpoint: undefined,
      output: join(folder, 'checkpoints-model'),
      scratch: folder,
      work: join(folder, 'checkpoints-work'),
    },
    signal: new AbortController().signal,
    log: { info: () => {}, warn: (message) => process.stderr.write(`${message}\n`) },
    env: { TF_NUM_INTRAOP_THREADS: String(threads) },
    onProgress: ({ done }) => {
      if (done === undefined) return;
      last = performance.now();
      if (Number.isNaN(first)) first = last;
    },
    onCheckpoint: async (step, file) => {
      checkpoints++;
      bytes = (await stat(file)).size;
      await commitCheckpoint(store, key, { step, attempt: 1, runId: 'bench', runtime }, file);
    },
  });
  return { seconds: (last - first) / 1000, checkpoints, bytes };
}
