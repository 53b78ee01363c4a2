/** Reads a `features` artifact that lies in a folder: descriptions at once, plots by position when they are asked for. */
import { type FileHandle, open, readFile, stat } from 'node:fs/promises';
import { endianness } from 'node:os';
import { join } from 'node:path';
import { FurrowError } from '../../contract/errors.ts';
import {
  type FeaturesDescription,
  featuresFiles,
  type PlotRow,
  type Split,
  shardFile,
  splits,
  summaryFile,
} from '../../contract/features.ts';

const floatBytes = Float32Array.BYTES_PER_ELEMENT;

/** Positions within a split, one after another: `from` is in, `to` is out. */
export interface PlotRange {
  readonly from: number;
  readonly to: number;
}

export interface Features {
  readonly description: FeaturesDescription;
  /** Floats of one plot: height x width x channels. */
  readonly plotLength: number;
  /** The plots of a split, in the order of the shards: position `i` here is index `i` in {@link readPlots}. */
  rows(split: Split): readonly PlotRow[];
  /** `[plots, 2 * channels]`: each channel's mean, then each channel's standard deviation; not standardised. */
  readSummary(split: Split): Promise<Float32Array>;
  /**
   * Reads the plots at `indices`, in that order and with repetitions, as `[plots, height, width, channels]`; not standardised.
   * Only these plots are read from disk; neighbours are read in one go.
   *
   * @param into where to put them, for reuse; a new array otherwise. It must hold at least that many plots.
   * @throws RangeError for an index that the split does not have, or an `into` that is too small.
   */
  readPlots(split: Split, indices: readonly number[] | PlotRange, into?: Float32Array): Promise<Float32Array>;
}

/**
 * @param folder where the artifact was materialised
 * @throws FurrowError `ARTIFACT_FILE_UNKNOWN` when a file is missing, or its size is not what the description says.
 */
export async function openFeatures(folder: string): Promise<Features> {
  const description = (await readJson(folder, featuresFiles.description)) as FeaturesDescription;
  if (description.format !== 1) {
    throw unknown(featuresFiles.description, `is of format ${String(description.format)}, this program reads format 1`);
  }
  const rows = (await readJson(folder, featuresFiles.plots)) as readonly PlotRow[];
  const bySplit = new Map(splits.map((split) => [split, rows.filter((row) => row.split === split)]));
  const { height, width } = description.preprocessing;
  const plotLength = height * width * description.channels.length;
  const of = (split: Split): readonly PlotRow[] => bySplit.get(split) ?? [];
  for (const split of splits) await checkSizes(folder, description, split, of(split).length, plotLength);

  return {
    description,
    plotLength,
    rows: of,
    async readSummary(split) {
      const summary = new Float32Array(of(split).length * 2 * description.channels.length);
      if (summary.length > 0) await readFloats(join(folder, summaryFile(split)), [{ position: 0, target: summary }]);
      return summary;
    },
    async readPlots(split, indices, into) {
      const wanted = expand(indices, of(split).length, split);
      const length = wanted.length * plotLength;
      const target = into ?? new Float32Array(length);
      if (target.length < length) {
        throw new RangeError(
          `Expected \`into\` to hold ${length} floats (${wanted.length} plots), got ${target.length}`,
        );
      }
      for (const [shard, reads] of readsByShard(wanted, description.plotsPerShard, plotLength, target)) {
        await readFloats(join(folder, shardFile(split, shard)), reads);
      }
      return target;
    },
  };
}

/** The split that chooses: the training plots themselves where there is nothing else. */
export function validationSplit(features: Features): 'train' | 'validation' {
  return features.rows('validation').length > 0 ? 'validation' : 'train';
}

/** Training plots, then validation plots: those that cross-validation learns from. */
export function learnableRows(features: Features): PlotRow[] {
  return [...features.rows('train'), ...features.rows('validation')];
}

interface Read {
  /** Floats from the start of the file. */
  readonly position: number;
  readonly target: Float32Array;
}

/** One read for each stretch of plots that are neighbours in both the shard and the target. */
function readsByShard(
  wanted: readonly number[],
  plotsPerShard: number,
  plotLength: number,
  target: Float32Array,
): Map<number, Read[]> {
  const reads = new Map<number, Read[]>();
  for (let start = 0; start < wanted.length; ) {
    const first = wanted[start] as number;
    const shard = Math.floor(first / plotsPerShard);
    let end = start + 1;
    while (wanted[end] === first + (end - start) && Math.floor((wanted[end] as number) / plotsPerShard) === shard)
      end++;
    const list = reads.get(shard) ?? [];
    list.push({
      position: (first % plotsPerShard) * plotLength,
      target: target.subarray(start * plotLength, end * plotLength),
    });
    reads.set(shard, list);
    start = end;
  }
  return reads;
}

async function readFloats(path: string, reads: readonly Read[]): Promise<void> {
  const file = await open(path, 'r');
  try {
    for (const { position, target } of reads) await readFully(file, path, position * floatBytes, target);
  } finally {
    await file.close();
  }
}

async function readFully(file: FileHandle, path: string, position: number, target: Float32Array): Promise<void> {
  const bytes = Buffer.from(target.buffer, target.byteOffset, target.byteLength);
  for (let done = 0; done < bytes.length; ) {
    const { bytesRead } = await file.read(bytes, done, bytes.length - done, position + done);
    if (bytesRead === 0) throw unknown(path, 'ends early');
    done += bytesRead;
  }
  if (endianness() === 'BE') bytes.swap32();
}

function expand(indices: readonly number[] | PlotRange, plots: number, split: Split): readonly number[] {
  const wanted =
    'from' in indices ? Array.from({ length: indices.to - indices.from }, (_, i) => indices.from + i) : indices;
  const wrong = wanted.find((index) => !Number.isInteger(index) || index < 0 || index >= plots);
  if (wrong !== undefined)
    throw new RangeError(`Expected indices from 0 to ${plots - 1} of split ${split}, got \`${wrong}\``);
  return wanted;
}

async function checkSizes(
  folder: string,
  { plots, plotsPerShard, channels }: FeaturesDescription,
  split: Split,
  rows: number,
  plotLength: number,
): Promise<void> {
  if (plots[split] !== rows)
    throw unknown(featuresFiles.plots, `lists ${rows} ${split} plots, expected ${plots[split]}`);
  if (rows === 0) return;
  await checkSize(folder, summaryFile(split), rows * 2 * channels.length * floatBytes);
  for (let shard = 0; shard * plotsPerShard < rows; shard++) {
    const held = Math.min(plotsPerShard, rows - shard * plotsPerShard);
    await checkSize(folder, shardFile(split, shard), held * plotLength * floatBytes);
  }
}

async function checkSize(folder: string, path: string, bytes: number): Promise<void> {
  const found = await stat(join(folder, path)).catch((cause: unknown) => {
    throw unknown(path, 'is missing', cause);
  });
  if (found.size !== bytes) throw unknown(path, `has ${found.size} bytes, expected ${bytes}`);
}

async function readJson(folder: string, path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(join(folder, path), 'utf8'));
  } catch (cause) {
    throw unknown(path, 'cannot be read', cause);
  }
}

function unknown(path: string, what: string, cause?: unknown): FurrowError {
  return new FurrowError('ARTIFACT_FILE_UNKNOWN', `The features artifact's ${path} ${what}`, {
    details: { path },
    cause,
  });
}
