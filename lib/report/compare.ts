/** Compares models with each other and with the baselines: chosen on validation plots, reported on test plots. */
import { type ArtifactRef, contentRef } from '../../contract/artifact.ts';
import type { EvaluatedModel, Evaluation, RegressionMetrics } from '../../contract/model.ts';
import { type Resampling, scoreIntervals } from './bootstrap.ts';
import { errorsPerLevel } from './levels.ts';

/** Predictions for the plots that choose and for the plots that report, `[plots]`. */
export interface Candidate {
  readonly name: string;
  readonly network: string;
  /** `validation` is by networks that did not learn from the plots. */
  readonly crossValidated?: boolean;
  readonly validation: ArrayLike<number>;
  readonly test: ArrayLike<number>;
  /** Absent for a baseline. */
  readonly model?: ArtifactRef;
}

export interface Comparison extends Resampling {
  readonly metric: Evaluation['metric'];
  readonly target: Evaluation['target'];
  readonly candidates: readonly Candidate[];
  /** The plots that choose are those that models learned from: there were no others. */
  readonly learnedFrom: boolean;
  readonly targets: { readonly validation: ArrayLike<number>; readonly test: ArrayLike<number> };
}

/**
 * The winner has the least error on the validation plots; of equals, the one named first. Baselines cannot win; nor can a model
 * that is measured on the plots that it learned from, beside one that was cross-validated.
 *
 * @throws RangeError without a model that is not a baseline
 */
export async function compareModels(comparison: Comparison): Promise<Evaluation> {
  const { metric, target, candidates } = comparison;
  const models: EvaluatedModel[] = [];
  for (const candidate of candidates) models.push(await evaluated(candidate, comparison));
  const unfair = comparison.learnedFrom && candidates.some(({ crossValidated }) => crossValidated);
  const contenders = candidates.flatMap(({ model, crossValidated }, index) =>
    model && (crossValidated || !unfair) ? [{ model, evaluated: models[index] as EvaluatedModel }] : [],
  );
  if (contenders.length === 0) throw new RangeError('Expected at least one model that is not a baseline');
  const best = contenders.reduce((a, b) =>
    b.evaluated.validation[metric].value < a.evaluated.validation[metric].value ? b : a,
  );
  return { format: 1, metric, target, winner: { name: best.evaluated.name, model: contentRef(best.model) }, models };
}

async function evaluated(
  candidate: Candidate,
  { targets, seed, resamples, signal }: Comparison,
): Promise<EvaluatedModel> {
  const on = async (split: 'validation' | 'test', set: number): Promise<RegressionMetrics> => ({
    plots: targets[split].length,
    ...(await scoreIntervals(targets[split], candidate[split], { seed, set, resamples, signal })),
    perLevel: errorsPerLevel(targets[split], candidate[split]),
  });
  const { name, network, model, crossValidated = false } = candidate;
  const baseline = model === undefined;
  return { name, network, baseline, crossValidated, validation: await on('validation', 0), test: await on('test', 1) };
}
