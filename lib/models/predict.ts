/** Predicts with a model artifact: in the evaluation's child process and in the prediction server. */
import type { Tensor, Tensor4D } from '@tensorflow/tfjs-node';
import { FurrowError } from '../../contract/errors.ts';
import type { ModelDescription } from '../../contract/model.ts';
import { type SteppedTrainParams, trainParams } from '../../contract/stages/train.ts';
import { predictFlipped } from './flips.ts';
import { type ModelTensor, readModel } from './modelArtifact.ts';
import { networkFor } from './networks/networkFor.ts';
import { predictLinear } from './ridge/fit.ts';
import { ridgeFromTensors } from './ridge/ridge.ts';
import { summarizePlots } from './ridge/summary.ts';
import { standardize } from './standardize.ts';
import { loadTensorflow } from './tensorflow.ts';
import { inTargetUnit, storedScale, type TargetScale } from './trainer/targetScale.ts';

export interface LoadedModel {
  readonly description: ModelDescription;
  /**
   * @param pixels `[plots, height, width, channels]`, preprocessed but not standardised; left as it is
   * @returns `[plots]`, in the target's unit
   * @throws RangeError for a length that is not a whole number of plots
   */
  predict(pixels: Float32Array): Promise<Float32Array>;
  /**
   * What the network learned to see of plots, before it makes one number of it; of several networks, what the first one sees. Absent
   * for a model that learned no features of its own: ridge.
   *
   * @param pixels as for {@link LoadedModel.predict}
   * @returns `[plots, features]`
   */
  embed?(pixels: Float32Array): Promise<Float32Array>;
  /** Frees native memory. */
  dispose(): void;
}

/** Plots that a network sees at once: as in training, so that predicting needs no more memory. */
const defaultBatch = 16;

/** Loads TensorFlow only for models that compute with it: ridge does not. */
export async function loadModel(folder: string): Promise<LoadedModel> {
  const { description, weights } = await readModel(folder);
  const parsed = trainParams.safeParse(description.params);
  if (!parsed.success) {
    throw new FurrowError(
      'ARTIFACT_FILE_UNKNOWN',
      `The model artifact's network ${description.network} is unknown here`,
    );
  }
  const params = parsed.data;
  return params.model === 'ridge' ? linearModel(description, weights) : networkModel(description, params, weights);
}

function linearModel(description: ModelDescription, weights: ReadonlyMap<string, ModelTensor>): LoadedModel {
  const fit = ridgeFromTensors(weights);
  return {
    description,
    async predict(pixels) {
      const { plots, channels } = sizes(description, pixels);
      return plots === 0 ? new Float32Array() : predictLinear(fit, summarizePlots(pixels, plots, channels));
    },
    dispose: () => {},
  };
}

async function networkModel(
  description: ModelDescription,
  params: SteppedTrainParams,
  weights: ReadonlyMap<string, ModelTensor>,
): Promise<LoadedModel> {
  const tf = await loadTensorflow();
  const network = networkFor(params);
  const tensors = new Map([...weights].map(([name, { shape, values }]) => [name, tf.tensor(values, [...shape])]));
  const members = Array.from({ length: description.members }, (_, number) => ({
    weight: <T extends Tensor>(name: string): T => {
      const tensor = tensors.get(`${number}/${name}`);
      if (!tensor) throw new FurrowError('ARTIFACT_FILE_UNKNOWN', `The model artifact has no weight ${number}/${name}`);
      return tensor as T;
    },
    scale: scaleOf(weights, number),
  }));
  /** `[plots]`, in the target's unit. */
  const predictBatch = (x: Tensor4D): Float64Array => {
    const sum = new Float64Array(x.shape[0]);
    for (const { weight, scale } of members) {
      const standard = predictFlipped(tf, x, params.testFlips, (seen) =>
        tf.tidy(() => network.forward({ tf, x: seen, weight }).dataSync() as Float32Array),
      );
      for (const [plot, value] of standard.entries()) sum[plot] = (sum[plot] as number) + inTargetUnit(value, scale);
    }
    return sum.map((value) => value / members.length);
  };
  /** What `compute` makes of each batch, one behind the other. */
  const byBatch = async (pixels: Float32Array, compute: (x: Tensor4D) => ArrayLike<number>): Promise<Float32Array> => {
    const { plots, plotLength, height, width, channels } = sizes(description, pixels);
    let out = new Float32Array();
    for (let from = 0; from < plots; from += defaultBatch) {
      const to = Math.min(plots, from + defaultBatch);
      const batch = pixels.slice(from * plotLength, to * plotLength);
      standardize(batch, description.input);
      const x = tf.tensor4d(batch, [to - from, height, width, channels]);
      try {
        const values = compute(x);
        const perPlot = values.length / (to - from);
        if (from === 0) out = new Float32Array(plots * perPlot);
        out.set(values, from * perPlot);
      } finally {
        x.dispose();
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    return out;
  };
  const first = members[0] as (typeof members)[number];
  return {
    description,
    predict: (pixels) => byBatch(pixels, predictBatch),
    embed: (pixels) =>
      byBatch(pixels, (x) => tf.tidy(() => network.features({ tf, x, weight: first.weight }).dataSync<'float32'>())),
    dispose: () => tf.dispose([...tensors.values()]),
  };
}

function scaleOf(weights: ReadonlyMap<string, ModelTensor>, member: number): TargetScale {
  const scale = storedScale((name) => weights.get(`${member}/${name}`)?.values[0]);
  if (!scale)
    throw new FurrowError('ARTIFACT_FILE_UNKNOWN', `The model artifact's network ${member} has no target scale`);
  return scale;
}

function sizes({ input }: ModelDescription, pixels: Float32Array) {
  const { height, width } = input.preprocessing;
  const channels = input.channels.length;
  const plotLength = height * width * channels;
  const plots = pixels.length / plotLength;
  if (!Number.isInteger(plots)) {
    throw new RangeError(
      `Expected a whole number of plots of ${height}x${width}x${channels}, got ${pixels.length} floats`,
    );
  }
  return { plots, plotLength, height, width, channels };
}
