/** What is measured: networks with their parameters, the batch that both sides train on, and how to start our side. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { networkNames, type SteppedTrainParams, trainParams } from '../../contract/stages/train.ts';
import { productRoot } from '../../lib/code/root.ts';
import { childEnvironment } from '../../lib/models/child/environment.ts';
import { floatsToBytes } from '../../lib/models/floats.ts';
import type { InputShape } from '../../lib/models/networks/network.ts';
import { uniforms } from '../../lib/models/random.ts';
import type { Program } from './side.ts';

export const threads = 2;
export const plotsOfABatch = 16;
const plain = { sgd: { lr: 0.01 } };

/** The plots of the nitrogen trial. */
export const fieldPlot: InputShape = { height: 160, width: 106, channels: 4 };

/** Networks that are trained in steps and are there, of those with a twin in bench/torch. */
export const networks: readonly string[] = ['convnet2d', 'vit', 'pooled-cnn'].filter((name) =>
  networkNames.includes(name),
);

/** The network as the product makes it unless told otherwise, with plain SGD on the mean absolute error. */
export function paramsOf(model: string, changed: object = {}): SteppedTrainParams {
  return trainParams.parse({ model, optimizer: plain, batchSize: plotsOfABatch, ...changed }) as SteppedTrainParams;
}

/** Files of little-endian float32: `x`, `[plots, height, width, channels]`, about standardised, and `y`, `[plots]`. */
export interface BatchFiles {
  readonly x: string;
  readonly y: string;
  readonly plots: number;
}

export async function writeBatch(
  folder: string,
  { height, width, channels }: InputShape,
  plots = plotsOfABatch,
): Promise<BatchFiles> {
  await mkdir(folder, { recursive: true });
  const [x, y] = [join(folder, 'x.f32'), join(folder, 'y.f32')];
  const standardized = (count: number, step: number) =>
    Float32Array.from(uniforms({ seed: 1, use: 'bootstrap', step }, count), (draw) => (draw - 0.5) * Math.sqrt(12));
  await writeFile(x, floatsToBytes(standardized(plots * height * width * channels, 1)));
  await writeFile(y, floatsToBytes(standardized(plots, 2)));
  return { x, y, plots };
}

/** As the child that trains in earnest is started. */
export function ourProgram(): Program {
  return {
    command: process.execPath,
    args: [join(productRoot, 'dist/bench/train/ours.js')],
    env: childEnvironment({ ...process.env, TF_NUM_INTRAOP_THREADS: String(threads) }),
  };
}
