/** A small features artifact for tests: plots whose near-infrared rises with the target, under light that differs from plot to plot. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type FeaturesDescription,
  featuresFiles,
  type PlotRow,
  type Split,
  shardFile,
  splits,
  summaryFile,
} from '../../../contract/features.ts';
import { floatsToBytes } from '../floats.ts';
import { uniforms } from '../random.ts';
import { summarizePlots } from '../ridge/summary.ts';

export interface ToyShape {
  readonly height: number;
  readonly width: number;
  readonly plots: Readonly<Record<Split, number>>;
}

const channels = ['green', 'red', 'red_edge', 'nir'];
const levels = [0, 100, 200, 300];

export async function writeToyFeatures(folder: string, { height, width, plots }: ToyShape): Promise<void> {
  const rows: PlotRow[] = [];
  const pixelsBySplit = new Map<Split, Float32Array>();
  for (const split of splits) {
    const pixels = new Float32Array(plots[split] * height * width * channels.length);
    for (let plot = 0; plot < plots[split]; plot++) {
      const target = levels[plot % levels.length] as number;
      rows.push({ plot: `${split}${plot}`, split, group: `${split}${plot}`, target });
      const plotLength = height * width * channels.length;
      fillPlot(pixels.subarray(plot * plotLength, (plot + 1) * plotLength), target, rows.length);
    }
    pixelsBySplit.set(split, pixels);
  }
  const train = pixelsBySplit.get('train') as Float32Array;
  const description: FeaturesDescription = {
    format: 1,
    preprocessing: { bands: channels, indices: [], height, width, fit: 'crop', fill: channels.map(() => 0) },
    channels,
    statistics: statistics(train),
    target: { name: 'nitrogen', unit: 'kg/ha' },
    plots,
    plotsPerShard: 1_000_000,
  };
  for (const [split, pixels] of pixelsBySplit) {
    if (plots[split] === 0) continue;
    await mkdir(join(folder, split), { recursive: true });
    await writeFile(join(folder, shardFile(split, 0)), floatsToBytes(pixels));
    await writeFile(
      join(folder, summaryFile(split)),
      floatsToBytes(summarizePlots(pixels, plots[split], channels.length)),
    );
  }
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, featuresFiles.description), JSON.stringify(description));
  await writeFile(join(folder, featuresFiles.plots), JSON.stringify(rows));
}

function fillPlot(pixels: Float32Array, target: number, number: number): void {
  const noise = uniforms({ seed: 99, use: 'augmentation', step: number }, pixels.length + 1);
  const light = 0.8 + 0.4 * (noise[pixels.length] as number);
  const reflectance = [0.1, 0.08 - target / 10_000, 0.2, 0.3 + target / 1500];
  for (let at = 0; at < pixels.length; at++) {
    const speckle = 0.75 + 0.5 * (noise[at] as number);
    pixels[at] = light * speckle * (reflectance[at % channels.length] as number);
  }
}

function statistics(pixels: Float32Array): { mean: number[]; std: number[] } {
  const summary = summarizePlots(pixels, 1, channels.length);
  return { mean: [...summary.subarray(0, channels.length)], std: [...summary.subarray(channels.length)] };
}
