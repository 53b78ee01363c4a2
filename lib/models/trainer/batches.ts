/** Which plots a step sees, and their pixels and targets, read while the step before is computed. */
import type { PlotRow, Split } from '../../../contract/features.ts';
import type { Augmentation } from '../../../contract/networks/training.ts';
import type { Features } from '../../data/features.ts';
import { permutation } from '../random.ts';
import { type ChannelStatistics, standardize } from '../standardize.ts';
import { type Drawn, mixUp, vary } from './augment.ts';
import type { PlotPlace } from './folds.ts';

/** Steps of an epoch. */
export function stepsPerEpoch(plots: number, batchSize: number): number {
  return Math.ceil(plots / batchSize);
}

/** Which step of which epoch; what is drawn there is drawn there in every attempt. */
export interface BatchPlace {
  readonly seed: number;
  readonly fold: number;
  readonly epoch: number;
  /** Steps of the epoch before this one. */
  readonly step: number;
}

/** Above the most epochs that a training may have: folds do not share random numbers. */
const epochsOfFold = 2 ** 17;

/** Fold and epoch as one number of 32 bits, to draw by. */
export function drawnEpoch({ fold, epoch }: Pick<BatchPlace, 'fold' | 'epoch'>): number {
  return fold * epochsOfFold + epoch;
}

/**
 * The plots of one step: the epoch's own order, cut into batches of nearly equal size, none above `batchSize`. A last batch of
 * one or two plots would upset batch normalisation.
 */
export function batchIndices(place: BatchPlace, { plots, batchSize }: { plots: number; batchSize: number }): number[] {
  const order = permutation({ seed: place.seed, use: 'order', epoch: drawnEpoch(place) }, plots);
  const steps = stepsPerEpoch(plots, batchSize);
  const start = Math.floor((place.step * plots) / steps);
  const end = Math.floor(((place.step + 1) * plots) / steps);
  return [...order.subarray(start, end)];
}

export interface Batch {
  readonly plots: number;
  /** `[plots, height, width, channels]`, standardised. */
  readonly pixels: Float32Array;
  /** `[plots]`, in the target's own unit. */
  readonly targets: Float32Array;
}

export interface BatchOptions {
  readonly statistics: ChannelStatistics;
  /** How the plots are varied, and where in the training that is drawn; as they are when absent. */
  readonly varied?: { readonly augment: Augmentation; readonly place: BatchPlace };
}

export async function readBatch(
  features: Features,
  places: readonly PlotPlace[],
  { statistics, varied }: BatchOptions,
): Promise<Batch> {
  const pixels = await readPixels(features, places);
  const targets = Float32Array.from(places, ({ split, index }) => (features.rows(split)[index] as PlotRow).target);
  const batch = { plots: places.length, pixels, targets };
  if (!varied) {
    standardize(pixels, statistics);
    return batch;
  }
  const { augment, place } = varied;
  const at: Drawn = { seed: place.seed, epoch: drawnEpoch(place), step: place.step };
  vary(batch, features.description, augment, at);
  standardize(pixels, statistics);
  return augment.mixup > 0 ? mixUp(batch, augment.mixup, at) : batch;
}

async function readPixels(features: Features, places: readonly PlotPlace[]): Promise<Float32Array> {
  const splits = new Set(places.map(({ split }) => split));
  const read = (split: Split) =>
    features.readPlots(
      split,
      places.flatMap((place) => (place.split === split ? [place.index] : [])),
    );
  const [first] = splits;
  if (first !== undefined && splits.size === 1) return read(first);
  const { plotLength } = features;
  const pixels = new Float32Array(places.length * plotLength);
  for (const split of splits) {
    const part = await read(split);
    let next = 0;
    for (const [at, place] of places.entries()) {
      if (place.split !== split) continue;
      pixels.set(part.subarray(next, next + plotLength), at * plotLength);
      next += plotLength;
    }
  }
  return pixels;
}
