import type { Split } from '../../contract/features.ts';
import { type Features, validationSplit } from '../data/features.ts';

/** Which plots choose the winner and which ones report. */
export interface EvaluationSplits {
  readonly validation: Split;
  readonly test: Split;
}

/**
 * A split's part of what a cross-validated model predicts for plots that it held out; undefined for test plots, which all of its
 * networks may predict.
 *
 * @param heldOut training plots, then validation plots
 */
export function heldOutOf(features: Features, split: Split, heldOut: Float32Array): Float32Array | undefined {
  const train = features.rows('train').length;
  if (split === 'test') return undefined;
  return split === 'train' ? heldOut.subarray(0, train) : heldOut.subarray(train);
}

/** Where a small data set lacks a split, the next best stands in: training plots to choose, then those that chose to report. */
export function evaluationSplits(features: Features): EvaluationSplits {
  const validation = validationSplit(features);
  return { validation, test: features.rows('test').length > 0 ? 'test' : validation };
}
