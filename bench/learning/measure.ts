/** Trains a variant from several seeds, and measures it on plots that held-out networks and test plots give. */
import { join } from 'node:path';
import type { Digest } from '../../contract/artifact.ts';
import type { JsonObject } from '../../contract/json.ts';
import { preprocess } from '../../contract/stages/preprocess.ts';
import { type TrainParams, trainParams } from '../../contract/stages/train.ts';
import { openFeatures } from '../../lib/data/features.ts';
import { predictInChild } from '../../lib/models/child/predictInChild.ts';
import { trainInChild } from '../../lib/models/child/trainInChild.ts';
import { scoreIntervals } from '../../lib/report/bootstrap.ts';
import { score } from '../../lib/report/scores.ts';
import { writeFeaturesOf } from '../features.ts';
import type { Variant } from './switches.ts';

/** A pipeline's source, and the parameters of its stages that matter here. */
export interface Recipe {
  readonly source: string;
  readonly preprocess: JsonObject;
  readonly train: JsonObject;
  /** Of the pipeline: it splits the plots, whatever seed trains. */
  readonly seed: number;
}

export interface SeedResult {
  readonly seed: number;
  /** On plots held out from the networks that predict them, in the target's unit. */
  readonly valMae: number;
  readonly testMae: number;
  readonly seconds: number;
}

export interface VariantResult {
  readonly name: string;
  readonly seeds: readonly SeedResult[];
  /** Bootstrap over test plots, of the mean over seeds of each plot's absolute error. */
  readonly testInterval: readonly [low: number, high: number];
}

const log = { info: () => {}, warn: () => {} };
/** Small networks gain little from a second thread: two trainings at once, of one thread each, are faster. */
const oneThread = { TF_NUM_INTRAOP_THREADS: '1', OMP_NUM_THREADS: '1' };

export function paramsOf(recipe: Recipe, { train = {}, instead }: Variant): TrainParams {
  const given =
    instead ?? Object.fromEntries(Object.entries({ ...recipe.train, ...train }).filter(([, v]) => v !== undefined));
  return trainParams.parse(given);
}

export class Laboratory {
  readonly #folder: string;
  readonly #features = new Map<string, Promise<string>>();
  #count = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async measure(recipe: Recipe, variant: Variant, seeds: readonly number[]): Promise<VariantResult> {
    const params = paramsOf(recipe, variant);
    const features = await this.#featuresOf(recipe, variant);
    const results = await inPairs(seeds, (seed) => this.#train(features, params, seed));
    const rows = (await openFeatures(features)).rows('test');
    const targets = rows.map(({ target }) => target);
    // Absolute errors against zero: their mean is the MAE, their resamples its interval.
    const errors = targets.map(
      (target, plot) =>
        results.reduce((sum, { predicted }) => sum + Math.abs((predicted[plot] as number) - target), 0) /
        results.length,
    );
    const { mae } = await scoreIntervals(Array(errors.length).fill(0), errors, { seed: 1, set: 1, resamples: 2000 });
    return {
      name: variant.name,
      seeds: results.map(({ predicted: _, ...result }) => result),
      testInterval: [mae.low, mae.high],
    };
  }

  async #train(features: string, params: TrainParams, seed: number): Promise<SeedResult & { predicted: Float32Array }> {
    const folder = join(this.#folder, `training-${this.#count++}`);
    const run = { signal: new AbortController().signal, log, env: oneThread };
    const started = performance.now();
    const output = join(folder, 'model');
    const { metrics } = await trainInChild({
      ...run,
      task: {
        ...{ features, params, seed, key: `sha256:${folder}` as Digest, checkpoint: undefined },
        ...{ output, scratch: this.#folder, work: join(folder, 'work') },
      },
      // Nobody resumes these.
      onCheckpoint: async () => {},
    });
    const seconds = (performance.now() - started) / 1000;
    const task = { features, models: [output], splits: ['test'] as const, output: join(folder, 'predictions') };
    const [predictions] = await predictInChild({ ...run, task });
    const predicted = predictions?.test as Float32Array;
    const rows = (await openFeatures(features)).rows('test');
    const targets = rows.map(({ target }) => target);
    const { mae: testMae } = score(targets, predicted);
    return { seed, valMae: metrics.val_mae as number, testMae, seconds, predicted };
  }

  #featuresOf({ source, preprocess: base, seed }: Recipe, { features = {} }: Variant): Promise<string> {
    const params = preprocess.params.parse({ ...base, ...features });
    const key = JSON.stringify(params);
    const known = this.#features.get(key);
    if (known) return known;
    const folder = join(this.#folder, `features-${this.#features.size}`);
    const made = writeFeaturesOf({ source, params, seed }, folder).then(() => folder);
    this.#features.set(key, made);
    return made;
  }
}

async function inPairs<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const lane = async () => {
    while (next < items.length) {
      const at = next++;
      results[at] = await work(items[at] as T);
    }
  };
  await Promise.all([lane(), lane()]);
  return results;
}
