/** Which plots a step sees, and their pixels and targets, read while the step before is computed. */
import type { Split } from '../../../contract/features.ts';
import type { Features } from '../../data/features.ts';
import { permutation } from '../random.ts';
import { standardize } from '../standardize.ts';

/** Steps of an epoch. */
export function stepsPerEpoch(plots: number, batchSize: number): number {
  return Math.ceil(plots / batchSize);
}

/**
 * The plots of one step: the epoch's own order, cut into batches of nearly equal size, none above `batchSize`. A last batch of
 * one or two plots would upset batch normalisation.
 */
export function batchIndices(at: {
  seed: number;
  epoch: number;
  step: number;
  plots: number;
  batchSize: number;
}): number[] {
  const order = permutation({ seed: at.seed, use: 'order', epoch: at.epoch }, at.plots);
  const steps = stepsPerEpoch(at.plots, at.batchSize);
  const start = Math.floor((at.step * at.plots) / steps);
  const end = Math.floor(((at.step + 1) * at.plots) / steps);
  return [...order.subarray(start, end)];
}

export interface Batch {
  readonly plots: number;
  /** `[plots, height, width, channels]`, standardised. */
  readonly pixels: Float32Array;
  /** `[plots]`, in the target's own unit. */
  readonly targets: Float32Array;
}

export async function readBatch(features: Features, split: Split, indices: readonly number[]): Promise<Batch> {
  const rows = features.rows(split);
  const pixels = await features.readPlots(split, indices);
  standardize(pixels, features.description.statistics);
  const targets = Float32Array.from(indices, (index) => (rows[index] as { target: number }).target);
  return { plots: indices.length, pixels, targets };
}
