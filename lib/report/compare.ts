/** Compares models with each other and with the baselines, on plots that none of them was trained on. */
import { type ArtifactRef, contentRef } from '../../contract/artifact.ts';
import type { EvaluatedModel, Evaluation, RegressionMetrics } from '../../contract/model.ts';
import { scoreIntervals } from './bootstrap.ts';
import { errorsPerLevel } from './levels.ts';

/** Predictions for the plots that choose and for the plots that report, `[plots]`. */
export interface Candidate {
  readonly name: string;
  readonly network: string;
  readonly validation: ArrayLike<number>;
  readonly test: ArrayLike<number>;
  /** Absent for a baseline. */
  readonly model?: ArtifactRef;
}

export interface Comparison {
  readonly metric: Evaluation['metric'];
  readonly target: Evaluation['target'];
  readonly candidates: readonly Candidate[];
  readonly targets: { readonly validation: ArrayLike<number>; readonly test: ArrayLike<number> };
  readonly seed: number;
  readonly resamples: number;
}

/** The winner has the least error on the validation plots; of equals, the one named first. Baselines cannot win. */
export function compareModels(comparison: Comparison): Evaluation {
  const { metric, target, candidates } = comparison;
  const models = candidates.map((candidate) => evaluated(candidate, comparison));
  const contenders = candidates.flatMap(({ model }, index) =>
    model ? [{ model, evaluated: models[index] as EvaluatedModel }] : [],
  );
  if (contenders.length === 0) throw new RangeError('Expected at least one model that is not a baseline');
  const best = contenders.reduce((a, b) =>
    b.evaluated.validation[metric].value < a.evaluated.validation[metric].value ? b : a,
  );
  return { format: 1, metric, target, winner: { name: best.evaluated.name, model: contentRef(best.model) }, models };
}

function evaluated(candidate: Candidate, { targets, seed, resamples }: Comparison): EvaluatedModel {
  const on = (split: 'validation' | 'test', set: number): RegressionMetrics => ({
    plots: targets[split].length,
    ...scoreIntervals(targets[split], candidate[split], { seed, set, resamples }),
    perLevel: errorsPerLevel(targets[split], candidate[split]),
  });
  const { name, network, model } = candidate;
  return { name, network, baseline: model === undefined, validation: on('validation', 0), test: on('test', 1) };
}
