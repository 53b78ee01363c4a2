import type { SteppedTrainParams } from '../../../contract/stages/train.ts';
import { stepsPerEpoch } from '../trainer/batches.ts';
import type { PlotCounts } from './countPlots.ts';
import { at, type Line } from './measuredSteps.ts';

export interface StepTimes {
  /** Seconds of a training step, by its plots. */
  readonly step: Line;
  /** Seconds of validating that many plots. */
  readonly validate: Line;
}

/** What one network of a training learns from and is validated on; with `folds`, the parts of one fold. */
export function plotsOfNetwork({ train, validation }: PlotCounts, folds: number | undefined): PlotCounts {
  // Without validation plots, the training plots choose the best epoch.
  if (folds === undefined) return { train, validation: validation === 0 ? train : validation };
  const all = train + validation;
  const heldOut = Math.floor(all / folds);
  return { train: all - heldOut, validation: heldOut };
}

/** Plots of the largest step: an epoch is cut into batches of nearly equal size. */
export function largestStep(train: number, batchSize: number): number {
  return Math.ceil(train / stepsPerEpoch(train, batchSize));
}

/** Seconds of an epoch, with its validation. */
export function epochSeconds(plots: PlotCounts, batchSize: number, { step, validate }: StepTimes): number {
  const steps = stepsPerEpoch(plots.train, batchSize);
  const validated = Math.min(batchSize, plots.validation);
  const validations = validated === 0 ? 0 : plots.validation / validated;
  return steps * at(step, plots.train / steps) + validations * at(validate, validated);
}

/** Networks that are trained one after another, and networks whose weights the model keeps. */
export function networksOf({ folds, snapshots }: Pick<SteppedTrainParams, 'folds' | 'snapshots'>): {
  readonly trained: number;
  readonly kept: number;
} {
  const trained = folds ?? 1;
  return { trained, kept: trained * snapshots };
}
