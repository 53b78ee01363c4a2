/** Writes a `features` artifact shard by shard, holding one shard and the summaries. Plots come split after split. */
import { endianness } from 'node:os';
import type { ArtifactWriter } from '../../contract/artifact.ts';
import {
  type FeaturesDescription,
  featuresFiles,
  type PlotRow,
  type Split,
  shardFile,
  summaryFile,
} from '../../contract/features.ts';
import { summarizePlot } from './plot/preprocessPlot.ts';

/** Large enough to be few files, small enough to hold: a plot of 160x106x4 takes 271 kB, 61 of them a shard. */
const shardBytes = 16 * 2 ** 20;

export function plotsPerShard(plotLength: number): number {
  return Math.max(1, Math.floor(shardBytes / (plotLength * Float32Array.BYTES_PER_ELEMENT)));
}

export interface FeaturesWriter {
  /** @param plot `[height, width, channels]`; copied */
  add(row: PlotRow, plot: Float32Array): Promise<void>;
  finish(description: FeaturesDescription): Promise<void>;
}

/** @param plotLength floats of a plot: height x width x channels */
export function writeFeatures(output: ArtifactWriter, plotLength: number, channels: number): FeaturesWriter {
  const perShard = plotsPerShard(plotLength);
  const rows: PlotRow[] = [];
  let split: Split | undefined;
  let shard: Float32Array[] = [];
  let shards = 0;
  let summaries: Float32Array[] = [];

  const flushShard = async (): Promise<void> => {
    if (split !== undefined && shard.length > 0) await output.add(shardFile(split, shards++), littleEndianBytes(shard));
    shard = [];
  };
  const flushSplit = async (): Promise<void> => {
    await flushShard();
    if (split !== undefined) await output.add(summaryFile(split), littleEndianBytes(summaries));
    shards = 0;
    summaries = [];
  };

  return {
    async add(row, plot) {
      if (row.split !== split) {
        await flushSplit();
        split = row.split;
      }
      rows.push(row);
      shard.push(plot.slice());
      summaries.push(summarizePlot(plot, channels));
      if (shard.length === perShard) await flushShard();
    },
    async finish(description) {
      await flushSplit();
      await output.add(featuresFiles.plots, `${JSON.stringify(rows)}\n`);
      await output.add(featuresFiles.description, `${JSON.stringify(description, null, 2)}\n`);
    },
  };
}

function littleEndianBytes(arrays: readonly Float32Array[]): Uint8Array {
  const bytes = Buffer.concat(arrays.map((array) => Buffer.from(array.buffer, array.byteOffset, array.byteLength)));
  return endianness() === 'BE' ? bytes.swap32() : bytes;
}
