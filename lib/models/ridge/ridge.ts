/** `model: ridge`: a linear model of each channel's mean and standard deviation. The baseline that a network has to beat. */
import { FurrowError } from '../../../contract/errors.ts';
import type { RidgeParams } from '../../../contract/networks/ridge.ts';
import { type Features, validationSplit } from '../../data/features.ts';
import type { ModelTensor } from '../modelArtifact.ts';
import { fitRidge, type LinearFit, predictLinear } from './fit.ts';

/** What `lambda: auto` tries: from nearly least squares to nearly the mean. */
const grid = [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10];

export interface TrainedRidge {
  readonly fit: LinearFit;
  readonly lambda: number;
  readonly trainMae: number;
  /** On the validation plots; on the training plots where there are none. */
  readonly valMae: number;
}

/** @throws FurrowError `DATA_EMPTY` without training plots */
export async function trainRidge(features: Features, params: RidgeParams): Promise<TrainedRidge> {
  const split = validationSplit(features);
  const [train, validation] = [await labelled(features, 'train'), await labelled(features, split)];
  if (train.targets.length === 0) throw new FurrowError('DATA_EMPTY', 'The features hold no training plots');
  const candidates = (params.lambda === 'auto' ? grid : [params.lambda]).map((lambda) => {
    const fit = rounded(fitRidge(train.summary, train.targets, lambda));
    return { fit, lambda, trainMae: mae(fit, train), valMae: mae(fit, validation) };
  });
  return candidates.reduce((best, next) => (next.valMae < best.valMae ? next : best));
}

export function ridgeTensors({ coefficients, intercept, mean, scale, range }: LinearFit): ModelTensor[] {
  const shape = [coefficients.length];
  return [
    { name: 'coefficients', shape, values: Float32Array.from(coefficients) },
    { name: 'intercept', shape: [1], values: Float32Array.of(intercept) },
    { name: 'mean', shape, values: Float32Array.from(mean) },
    { name: 'scale', shape, values: Float32Array.from(scale) },
    { name: 'range', shape: [2], values: Float32Array.from(range) },
  ];
}

export function ridgeFromTensors(weights: ReadonlyMap<string, ModelTensor>): LinearFit {
  const values = (name: string): Float64Array => {
    const tensor = weights.get(name);
    if (!tensor) throw new FurrowError('ARTIFACT_FILE_UNKNOWN', `The ridge model has no ${name}`);
    return Float64Array.from(tensor.values);
  };
  const [low, high] = values('range');
  return {
    coefficients: values('coefficients'),
    intercept: values('intercept')[0] as number,
    mean: values('mean'),
    scale: values('scale'),
    range: [low as number, high as number],
  };
}

interface Labelled {
  readonly summary: Float32Array;
  readonly targets: readonly number[];
}

async function labelled(features: Features, split: 'train' | 'validation'): Promise<Labelled> {
  return { summary: await features.readSummary(split), targets: features.rows(split).map((row) => row.target) };
}

/** What the artifact will hold is float32: errors are those of the model that is served. */
function rounded(fit: LinearFit): LinearFit {
  return ridgeFromTensors(new Map(ridgeTensors(fit).map((tensor) => [tensor.name, tensor])));
}

function mae(fit: LinearFit, { summary, targets }: Labelled): number {
  const predicted = predictLinear(fit, summary);
  return targets.reduce((sum, target, row) => sum + Math.abs((predicted[row] as number) - target), 0) / targets.length;
}
