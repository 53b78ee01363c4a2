import type { ContentRef } from './artifact.ts';
import type { Preprocessing } from './features.ts';
import type { JsonObject } from './json.ts';

/** The files of a `model` artifact. */
export const modelFiles = {
  /** {@link ModelDescription} as JSON. */
  description: 'model.json',
  /** Little-endian float32, the tensors of {@link ModelDescription.weights} one after another. */
  weights: 'weights.f32',
  /** Attached, outside the digest: one JSON line per step or epoch. */
  runLog: 'runlog.jsonl',
  /**
   * Of a cross-validated model, what the networks that did not learn from a plot predict for it: the sha256 of the plots' names (32
   * bytes), then little-endian float32 in the target's unit, training plots first, then validation plots, in the features' order.
   */
  heldOut: 'held-out.f32',
  /** Of a network that learned in epochs: `fold,epoch,step,loss,mae,val_mae`, a line for each; see lib/models/learningCurve.ts. */
  learningCurve: 'learning-curve.csv',
} as const;

export interface WeightSpec {
  readonly name: string;
  readonly shape: readonly number[];
}

/** All that is needed to predict, beside the weights. */
export interface ModelDescription {
  readonly format: 2;
  /** A network's name: `ridge`, `convnet2d`, … */
  readonly network: string;
  /** The network's own parameters, defaults filled in. */
  readonly params: JsonObject;
  readonly input: {
    readonly preprocessing: Preprocessing;
    readonly channels: readonly string[];
    /** Inputs are standardised by these before the network sees them. */
    readonly mean: readonly number[];
    readonly std: readonly number[];
  };
  readonly target: { readonly name: string; readonly unit: string };
  /** Networks whose mean it predicts; their weights are named `NUMBER/NAME`, from 0. */
  readonly members: number;
  readonly weights: readonly WeightSpec[];
}

/** The files of an `evaluation` artifact. */
export const evaluationFiles = {
  /** {@link Evaluation} as JSON. */
  evaluation: 'evaluation.json',
  /** `plot,split,target` and one column a model, validation and test plots. */
  predictions: 'predictions.csv',
  /** Each once as `.svg` and once as `.png`; a figure that had nothing to show, or could not be drawn, is not there. */
  figures: {
    predictedVsTrue: 'figures/predicted-vs-true',
    residuals: 'figures/residuals',
    learningCurves: 'figures/learning-curves',
    tsne: 'figures/tsne',
  },
} as const;

export interface Interval {
  readonly value: number;
  /** 95 % bootstrap interval over plots. */
  readonly low: number;
  readonly high: number;
}

export interface RegressionMetrics {
  readonly plots: number;
  readonly mae: Interval;
  readonly rmse: Interval;
  readonly r2: Interval;
  /** Mean of predicted minus true. */
  readonly bias: Interval;
  readonly perLevel: readonly { readonly level: number; readonly plots: number; readonly mae: number }[];
}

export interface EvaluatedModel {
  /** The stage that made it, or `ridge (baseline)`, `median (baseline)`. */
  readonly name: string;
  readonly network: string;
  readonly baseline: boolean;
  /** Validation plots were each predicted by the networks that did not learn from them. */
  readonly crossValidated: boolean;
  readonly validation: RegressionMetrics;
  readonly test: RegressionMetrics;
}

export interface Evaluation {
  readonly format: 1;
  readonly metric: 'mae' | 'rmse';
  readonly target: { readonly name: string; readonly unit: string };
  /** Chosen by `metric` on the validation plots alone, among the models that are not baselines. */
  readonly winner: { readonly name: string; readonly model: ContentRef };
  readonly models: readonly EvaluatedModel[];
}
