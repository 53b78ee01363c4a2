/** A training in memory: takes one step, ends an epoch, gives its state. */
import { FurrowError } from '../../../contract/errors.ts';
import type { Split } from '../../../contract/features.ts';
import type { SteppedTrainParams } from '../../../contract/stages/train.ts';
import type { Features } from '../../data/features.ts';
import type { Network } from '../networks/network.ts';
import { networkFor } from '../networks/networkFor.ts';
import type { Tf } from '../tensorflow.ts';
import { type Batch, readBatch, stepsPerEpoch } from './batches.ts';
import type { NamedTensor, TrainingState } from './checkpoint.ts';
import { optimizerFor } from './optimizer.ts';
import { afterEpoch, afterStep, type Position, startPosition } from './position.ts';
import { RunLog } from './runLog.ts';
import { scheduledRate } from './schedule.ts';
import { type TargetScale, targetScale } from './targetScale.ts';
import { Variables } from './variables.ts';

export interface TrainingOptions {
  readonly tf: Tf;
  readonly features: Features;
  readonly params: SteppedTrainParams;
  readonly seed: number;
  /** Digest of what the training depends on, written into checkpoints. */
  readonly training: string;
  readonly resume?: TrainingState | undefined;
}

export class TrainingRun {
  readonly stepsPerEpoch: number;
  readonly steps: number;
  readonly #options: TrainingOptions;
  readonly #network: Network;
  readonly #scale: TargetScale;
  readonly #variables: Variables;
  readonly #runLog: RunLog;
  #position: Position;
  /** The best epoch's weights, `best/NAME`. */
  #best: readonly NamedTensor[];
  #epochStarted = performance.now();

  /** @throws FurrowError `DATA_EMPTY` without training plots; `CONFIG_INVALID` when they are too small for the network */
  constructor(options: TrainingOptions) {
    const { tf, features, params, seed, resume } = options;
    const rows = features.rows('train');
    if (rows.length === 0) throw new FurrowError('DATA_EMPTY', 'The features hold no training plots');
    const { height, width } = features.description.preprocessing;
    this.#options = options;
    this.#network = networkFor(params);
    const plan = this.#network.plan({ height, width, channels: features.description.channels.length });
    this.#scale = targetScale(rows.map((row) => row.target));
    this.#variables = new Variables(tf, plan, optimizerFor(params.optimizer), seed, resume?.tensors);
    this.stepsPerEpoch = stepsPerEpoch(rows.length, params.batchSize);
    this.steps = this.stepsPerEpoch * params.epochs;
    this.#position = resume?.position ?? startPosition;
    this.#best = resume?.tensors.filter(({ name }) => name.startsWith('best/')) ?? [];
    this.#runLog = new RunLog(resume?.runLog);
    const { step } = this.#position;
    this.#runLog.append({ kind: 'start', time: now(), network: params.model, plots: rows.length, step });
  }

  get position(): Position {
    return this.#position;
  }

  /**
   * Takes one step.
   *
   * @returns the batch's mean absolute error, in the target's unit
   * @throws FurrowError `TRAINING_DIVERGED` when that is not a number
   */
  step(batch: Batch): number {
    const { tf, params } = this.#options;
    const { mean, std } = this.#scale;
    const x = this.#pixels(batch);
    const targets = tf.tensor1d(batch.targets.map((target) => (target - mean) / std));
    const { step: before } = this.#position;
    const scheduled = scheduledRate(params.schedule, before, this.steps);
    const loss = this.#variables.step(this.#network, x, targets, { step: before, scheduled }) * std;
    tf.dispose([x, targets]);
    const epoch = this.#position.epoch + 1;
    this.#position = afterStep(this.#position, this.stepsPerEpoch, loss, batch.plots);
    const { step } = this.#position;
    if (!Number.isFinite(loss)) throw diverged(`The loss of step ${step} is ${loss}`, this.#position);
    if (step % params.logEvery === 0) this.#runLog.append({ kind: 'step', step, epoch, loss, time: now() });
    return loss;
  }

  /**
   * Validates what the epoch made of the weights, and keeps them when they are the best so far.
   *
   * @returns the mean absolute error on the validation plots, in the target's unit
   * @throws FurrowError `TRAINING_DIVERGED` when weights or that error are not numbers
   */
  async endEpoch(): Promise<number> {
    // ReLU makes 0 of what is no number, and so hides it from the loss.
    if (!this.#variables.areFinite()) throw diverged('Weights are no numbers any more', this.#position);
    const valMae = await this.#validate();
    // No later epoch would be less than NaN, and in a checkpoint it becomes null.
    if (!Number.isFinite(valMae)) throw diverged(`The validation error is ${valMae}`, this.#position);
    this.#position = afterEpoch(this.#position, valMae);
    const { step, epoch, trainLoss, best } = this.#position;
    const isBest = best?.epoch === epoch;
    if (isBest) {
      const weights = this.#variables.snapshot('weights');
      this.#best = weights.map((tensor) => ({ ...tensor, name: tensor.name.replace('weights/', 'best/') }));
    }
    const seconds = (performance.now() - this.#epochStarted) / 1000;
    this.#epochStarted = performance.now();
    const row = { step, epoch, loss: trainLoss ?? 0, val_mae: valMae, best: isBest, seconds, time: now() };
    this.#runLog.append({ kind: 'epoch', ...row });
    return valMae;
  }

  /** A copy, to be written or to be gone on from. */
  state(): TrainingState {
    return {
      training: this.#options.training,
      position: this.#position,
      tensors: [...this.#variables.snapshot('all'), ...this.#best],
      runLog: this.#runLog.bytes(),
    };
  }

  /** The best epoch's weights by their own names, in the network's order; none before the first epoch's end. */
  bestWeights(): readonly NamedTensor[] {
    return this.#best.map((tensor) => ({ ...tensor, name: tensor.name.replace('best/', '') }));
  }

  dispose(): void {
    this.#variables.dispose();
  }

  async #validate(): Promise<number> {
    const { features, params } = this.#options;
    const split = validationSplit(features);
    const { length } = features.rows(split);
    const { mean, std } = this.#scale;
    let errors = 0;
    for (let from = 0; from < length; from += params.batchSize) {
      const indices = Array.from({ length: Math.min(params.batchSize, length - from) }, (_, index) => from + index);
      const batch = await readBatch(features, split, indices);
      const x = this.#pixels(batch);
      const predicted = this.#variables.predict(this.#network, x);
      x.dispose();
      for (const [index, value] of predicted.entries()) {
        errors += Math.abs(value * std + mean - (batch.targets[index] as number));
      }
    }
    return errors / length;
  }

  #pixels({ pixels, plots }: Batch) {
    const { description } = this.#options.features;
    const { height, width } = description.preprocessing;
    return this.#options.tf.tensor4d(pixels, [plots, height, width, description.channels.length]);
  }
}

/** The split that chooses the best epoch: the training plots themselves where there is nothing else. */
export function validationSplit(features: Features): Split {
  return features.rows('validation').length > 0 ? 'validation' : 'train';
}

function diverged(message: string, { step, epoch }: Position): FurrowError {
  return new FurrowError('TRAINING_DIVERGED', message, { details: { step, epoch } });
}

function now(): string {
  return new Date().toISOString();
}
