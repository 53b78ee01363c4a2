/** One network in training, on its own plots: takes steps, validates, gives its weights. */
import { setImmediate as breathe } from 'node:timers/promises';
import type { Tensor4D } from '@tensorflow/tfjs-node';
import type { PlotRow } from '../../../contract/features.ts';
import type { OptimizerParams } from '../../../contract/networks/training.ts';
import type { SteppedTrainParams } from '../../../contract/stages/train.ts';
import type { Features } from '../../data/features.ts';
import { predictFlipped } from '../flips.ts';
import type { Network } from '../networks/network.ts';
import { networkFor } from '../networks/networkFor.ts';
import { type ChannelStatistics, unchanged } from '../standardize.ts';
import type { Tf } from '../tensorflow.ts';
import { type Batch, batchIndices, readBatch, stepsPerEpoch } from './batches.ts';
import type { NamedTensor } from './checkpoint.ts';
import { cycleAt } from './cycles.ts';
import type { Fold, PlotPlace } from './folds.ts';
import { lossFor } from './loss.ts';
import type { Position, StepResult } from './position.ts';
import { scheduledRate } from './schedule.ts';
import { inTargetUnit, type TargetScale, targetScale } from './targetScale.ts';
import { Variables } from './variables.ts';

export interface FoldOptions {
  readonly tf: Tf;
  readonly features: Features;
  readonly params: SteppedTrainParams;
  readonly seed: number;
  /** The fold's number: its networks start from weights of their own. */
  readonly number: number;
  readonly fold: Fold;
  /** What a checkpoint held; drawn from the seed otherwise. */
  readonly stored?: readonly NamedTensor[] | undefined;
}

export interface Step extends StepResult {
  readonly learningRate: number;
  readonly gradientNorm?: number;
}

export class FoldRun {
  readonly stepsPerEpoch: number;
  readonly scale: TargetScale;
  readonly #options: FoldOptions;
  readonly #network: Network;
  readonly #variables: Variables;
  readonly #statistics: ChannelStatistics;

  /** @throws FurrowError `CONFIG_INVALID` when the plots are too small for the network */
  constructor(options: FoldOptions) {
    const { tf, features, params, seed, number, fold, stored } = options;
    const { preprocessing, channels, statistics } = features.description;
    this.#options = options;
    this.#network = networkFor(params);
    const { height, width } = preprocessing;
    const plan = this.#network.plan({ height, width, channels: channels.length });
    const { optimizer, averaging, clipNorm } = params;
    this.#variables = new Variables({
      tf,
      plan,
      optimizer,
      seed,
      member: number,
      averaging,
      clipNorm,
      stored,
    });
    this.#statistics = params.standardize.inputs ? statistics : unchanged(channels.length);
    const targets = fold.train.map(({ split, index }) => (features.rows(split)[index] as PlotRow).target);
    this.scale = targetScale(targets, { standardize: params.standardize.target, clip: params.clipPredictions });
    this.stepsPerEpoch = stepsPerEpoch(fold.train.length, params.batchSize);
  }

  /** The batch of the step after `position`; undefined when the fold's epochs are over. */
  read({ epoch, stepInEpoch }: Position): Promise<Batch> | undefined {
    const { features, params, seed, number, fold } = this.#options;
    if (epoch >= params.epochs) return undefined;
    const place = { seed, fold: number, epoch, step: stepInEpoch };
    const indices = batchIndices(place, { plots: fold.train.length, batchSize: params.batchSize });
    const plots = indices.map((index) => fold.train[index] as PlotPlace);
    const batch = readBatch(features, plots, {
      statistics: this.#statistics,
      varied: { augment: params.augment, place },
    });
    // It may fail while nobody waits for it; it is thrown where it is awaited.
    batch.catch(() => {});
    return batch;
  }

  /** Takes the step after `position`. */
  step(batch: Batch, { epoch, foldStep }: Position): Step {
    const { tf, params } = this.#options;
    const { mean, std } = this.scale;
    const cycle = cycleAt(epoch, params);
    const rate = scheduledRate(
      { schedule: params.schedule, warmupSteps: cycle.from === 0 ? params.warmup * this.stepsPerEpoch : 0 },
      { step: foldStep - cycle.from * this.stepsPerEpoch, steps: (cycle.to - cycle.from) * this.stepsPerEpoch },
    );
    const x = this.#pixels(batch);
    const targets = tf.tensor1d(batch.targets.map((target) => (target - mean) / std));
    const taken = this.#variables.step(this.#network, x, targets, {
      step: foldStep,
      rate,
      loss: lossFor(params.loss),
    });
    tf.dispose([x, targets]);
    const { loss, predicted, gradientNorm } = taken;
    const mae = meanAbsoluteError(this.#inUnits(predicted), batch.targets);
    return {
      loss,
      mae,
      plots: batch.plots,
      learningRate: rate * learningRateOf(params.optimizer),
      ...(gradientNorm === undefined ? {} : { gradientNorm }),
    };
  }

  /**
   * Predicts the fold's validation plots, `[plots]`, in the target's unit, as the model would with the weights of now.
   *
   * @param stopRequested asked between batches; undefined is returned when it says so
   */
  async validate(
    stopRequested: () => boolean = () => false,
  ): Promise<{ readonly predicted: Float32Array; readonly mae: number } | undefined> {
    const { tf, features, params, fold } = this.#options;
    const plots = fold.validation;
    const predicted = new Float32Array(plots.length);
    const targets = new Float32Array(plots.length);
    for (let from = 0; from < plots.length; from += params.batchSize) {
      await breathe();
      if (stopRequested()) return undefined;
      const batch = await readBatch(features, plots.slice(from, from + params.batchSize), {
        statistics: this.#statistics,
      });
      const x = this.#pixels(batch);
      const standard = predictFlipped(tf, x, params.testFlips, (seen) => this.#variables.predict(this.#network, seen));
      x.dispose();
      predicted.set(this.#inUnits(standard), from);
      targets.set(batch.targets, from);
    }
    return { predicted, mae: meanAbsoluteError(predicted, targets) };
  }

  /** The weights that predict, by their own names. */
  weights(): NamedTensor[] {
    return this.#variables
      .snapshot('weights')
      .map((tensor) => ({ ...tensor, name: tensor.name.replace('weights/', '') }));
  }

  /** All that a checkpoint needs to go on from here. */
  state(): NamedTensor[] {
    return this.#variables.snapshot('all');
  }

  areFinite(): boolean {
    return this.#variables.areFinite();
  }

  dispose(): void {
    this.#variables.dispose();
  }

  #pixels({ pixels, plots }: Batch): Tensor4D {
    const { preprocessing, channels } = this.#options.features.description;
    return this.#options.tf.tensor4d(pixels, [plots, preprocessing.height, preprocessing.width, channels.length]);
  }

  #inUnits(standard: Float32Array): Float32Array {
    return standard.map((value) => inTargetUnit(value, this.scale));
  }
}

function learningRateOf(optimizer: OptimizerParams): number {
  return Object.values(optimizer)[0].lr;
}

function meanAbsoluteError(predicted: Float32Array, targets: Float32Array): number {
  let sum = 0;
  for (const [index, target] of targets.entries()) sum += Math.abs((predicted[index] as number) - target);
  return sum / targets.length;
}
