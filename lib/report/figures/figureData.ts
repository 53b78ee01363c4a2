/** What the figures show: plain data, small whatever the number of plots, models and epochs. */
import type { Split } from '../../../contract/features.ts';
import type { EvaluatedModel, Evaluation } from '../../../contract/model.ts';
import type { LearnedEpoch } from '../../models/learningCurve.ts';
import type { Candidate } from '../compare.ts';
import { evenSelection } from './selection.ts';

/** More panels than these, nobody reads on one page. */
const mostModels = 8;
/** Points in a panel: more hide each other, and make an SVG of megabytes. */
const mostPoints = 500;
/** Plots that networks are asked for their features of: t-SNE takes half a second then, and its time grows with their square. */
const mostEmbedded = 300;
/** Epochs of a fold that are drawn: panels are some hundred pixels wide. */
const mostEpochs = 400;

export interface FigureModel {
  readonly evaluated: EvaluatedModel;
  readonly winner: boolean;
  /** For {@link FigureData.targets}, in the target's unit. */
  readonly predicted: readonly number[];
  /** Empty for a model that did not learn in epochs. */
  readonly curve: readonly LearnedEpoch[];
  /** What it learned to see of the plots of {@link FigureData.embedded}. */
  readonly embedded?: {
    /** Little-endian float32, `[plots, features]`. */
    readonly file: string;
    /** It is what the first of so many networks sees. */
    readonly networks: number;
  };
}

export interface FigureData {
  readonly target: Evaluation['target'];
  readonly seed: number;
  /** Which plots report, and how many there are; `targets` are those that are drawn. */
  readonly split: Split;
  readonly plots: number;
  readonly targets: readonly number[];
  /** Best on the validation plots first; baselines are not among them. */
  readonly models: readonly FigureModel[];
  /** Before the best were chosen. */
  readonly modelsInAll: number;
  readonly baselines: readonly EvaluatedModel[];
  /** The targets of the plots that networks were asked for their features of. */
  readonly embedded: readonly number[];
}

export interface Collected {
  readonly evaluation: Evaluation;
  readonly candidates: readonly Candidate[];
  /** By the names of models, as far as they have any. */
  readonly curves: ReadonlyMap<string, readonly LearnedEpoch[]>;
  readonly embeddings: ReadonlyMap<string, NonNullable<FigureModel['embedded']>>;
  /** `[plots]` */
  readonly targets: readonly number[];
  readonly embeddedTargets: readonly number[];
  readonly split: Split;
  readonly seed: number;
}

/** Places of the plots whose learned features are shown. */
export function plotsToEmbed(targets: readonly number[], seed: number): readonly number[] {
  return evenSelection(targets, mostEmbedded, seed);
}

export function figureData(collected: Collected): FigureData {
  const { evaluation, candidates, curves, embeddings, targets, embeddedTargets, split, seed } = collected;
  const shown = evenSelection(targets, mostPoints, seed);
  const ranked = evaluation.models
    .filter(({ baseline }) => !baseline)
    // The winner first: a model that was not allowed to win may have the lesser error.
    .sort((a, b) => rank(a) - rank(b));
  function rank({ name, validation }: EvaluatedModel): number {
    return name === evaluation.winner.name ? Number.NEGATIVE_INFINITY : validation[evaluation.metric].value;
  }
  return {
    target: evaluation.target,
    seed,
    split,
    plots: targets.length,
    targets: shown.map((place) => targets[place] as number),
    models: ranked.slice(0, mostModels).map((evaluated) => {
      const test = candidates.find(({ name }) => name === evaluated.name)?.test ?? [];
      const embedded = embeddings.get(evaluated.name);
      return {
        evaluated,
        winner: evaluated.name === evaluation.winner.name,
        predicted: shown.map((place) => test[place] as number),
        curve: thinned(curves.get(evaluated.name) ?? []),
        ...(embedded && { embedded }),
      };
    }),
    modelsInAll: ranked.length,
    baselines: evaluation.models.filter(({ baseline }) => baseline),
    embedded: embeddedTargets,
  };
}

/** Every so many epochs of each fold, and always its last. */
function thinned(curve: readonly LearnedEpoch[]): readonly LearnedEpoch[] {
  const epochs = curve.reduce((most, { epoch }) => Math.max(most, epoch), 0);
  const every = Math.ceil(epochs / mostEpochs);
  return curve.filter(({ fold, epoch }, at) => epoch % every === 0 || curve[at + 1]?.fold !== fold);
}
