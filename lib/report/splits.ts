import type { Split } from '../../contract/features.ts';
import type { Features } from '../data/features.ts';

/** Which plots choose the winner and which ones report. */
export interface EvaluationSplits {
  readonly validation: Split;
  readonly test: Split;
}

/** Where a small data set lacks a split, the next best stands in: training plots to choose, then those that chose to report. */
export function evaluationSplits(features: Features): EvaluationSplits {
  const validation = features.rows('validation').length > 0 ? 'validation' : 'train';
  return { validation, test: features.rows('test').length > 0 ? 'test' : validation };
}
