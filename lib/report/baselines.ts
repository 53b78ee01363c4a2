/** What a model has to beat: ridge on band statistics, and the training plots' median for every plot. */
import type { Features } from '../data/features.ts';
import { predictLinear } from '../models/ridge/fit.ts';
import { trainRidge } from '../models/ridge/ridge.ts';
import { quantile } from './bootstrap.ts';
import type { Candidate } from './compare.ts';
import type { EvaluationSplits } from './splits.ts';

export const ridgeBaseline = 'ridge (baseline)';
export const medianBaseline = 'median (baseline)';

export async function baselines(features: Features, { validation, test }: EvaluationSplits): Promise<Candidate[]> {
  const { fit } = await trainRidge(features, { model: 'ridge', lambda: 'auto' });
  const linear = async (split: EvaluationSplits['test']) => predictLinear(fit, await features.readSummary(split));
  const sorted = features
    .rows('train')
    .map((row) => row.target)
    .sort((a, b) => a - b);
  const median = quantile(sorted, 0.5);
  const constant = (split: EvaluationSplits['test']) => features.rows(split).map(() => median);
  return [
    { name: ridgeBaseline, network: 'ridge', validation: await linear(validation), test: await linear(test) },
    { name: medianBaseline, network: 'median', validation: constant(validation), test: constant(test) },
  ];
}
