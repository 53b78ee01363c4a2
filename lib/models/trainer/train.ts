/** The training loop: SGD on the mean absolute error, the model with the least validation error at the end of an epoch wins. */
import { FurrowError } from '../../../contract/errors.ts';
import type { Split } from '../../../contract/features.ts';
import type { SteppedTrainParams } from '../../../contract/stages/train.ts';
import type { Features } from '../../data/features.ts';
import { networkFor } from '../networks/networkFor.ts';
import type { Tf } from '../tensorflow.ts';
import { type Batch, batchIndices, readBatch, stepsPerEpoch } from './batches.ts';
import type { NamedTensor, Position, TrainingState } from './checkpoint.ts';
import { optimizerFor } from './optimizer.ts';
import { RunLog } from './runLog.ts';
import { targetScale } from './targetScale.ts';
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

export interface TrainingProgress {
  readonly step: number;
  readonly steps: number;
  /** From 1. */
  readonly epoch: number;
  readonly epochs: number;
  /** Mean absolute error of this step's batch, in the target's unit. */
  readonly loss: number;
  /** Of the last finished epoch. */
  readonly valMae: number | undefined;
}

export interface TrainingHooks {
  /** Asked between steps. */
  stopRequested(): boolean;
  onStep(progress: TrainingProgress): void;
  /** At the end of an epoch where a checkpoint is due. `take` copies the state; not calling it skips the checkpoint. */
  onCheckpoint(take: () => TrainingState): Promise<void>;
}

export interface TrainingEnd {
  /** `stopped`: there is more to train, from `state` on. */
  readonly kind: 'finished' | 'stopped';
  readonly state: TrainingState;
  /** The best epoch's, `weights/…` in the network's order; meaningless when stopped before the first epoch's end. */
  readonly weights: readonly NamedTensor[];
}

/** The split that chooses the best epoch: the training plots themselves where there is nothing else. */
export function validationSplit(features: Features): Split {
  return features.rows('validation').length > 0 ? 'validation' : 'train';
}

/** @throws FurrowError `TRAINING_DIVERGED` when a loss is not a number; `DATA_EMPTY` without training plots */
export async function trainNetwork(options: TrainingOptions, hooks: TrainingHooks): Promise<TrainingEnd> {
  const { tf, features, params, seed, training, resume } = options;
  const { height, width } = features.description.preprocessing;
  const shape = { height, width, channels: features.description.channels.length };
  const rows = features.rows('train');
  if (rows.length === 0) throw new FurrowError('DATA_EMPTY', 'The features hold no training plots');

  const network = networkFor(params);
  const scale = targetScale(rows.map((row) => row.target));
  const variables = new Variables(tf, network.plan(shape), optimizerFor(params.optimizer), seed, resume?.tensors);
  const runLog = new RunLog(resume?.runLog);
  const perEpoch = stepsPerEpoch(rows.length, params.batchSize);
  const steps = perEpoch * params.epochs;
  let position: Position = resume?.position ?? start;
  let best: readonly NamedTensor[] =
    resume?.tensors.filter(({ name }) => name.startsWith('best/')).map(asWeights) ?? [];
  let valMae: number | undefined;
  let epochStarted = performance.now();
  runLog.append({ kind: 'start', time: now(), network: params.model, plots: rows.length, step: position.step });

  const take = (): TrainingState => ({
    training,
    position,
    tensors: [...variables.snapshot('all'), ...best.map(asBest)],
    runLog: runLog.bytes(),
  });
  const read = ({ epoch, stepInEpoch }: Position): Promise<Batch> => {
    const at = { seed, epoch, step: stepInEpoch, plots: rows.length, batchSize: params.batchSize };
    const batch = readBatch(features, 'train', batchIndices(at));
    // It may fail while a step is computed, before anybody waits for it; it is thrown where it is awaited.
    batch.catch(() => {});
    return batch;
  };
  const tensorOf = (batch: Batch) => tf.tensor4d(batch.pixels, [batch.plots, height, width, shape.channels]);

  const validate = async (): Promise<number> => {
    const split = validationSplit(features);
    const { length } = features.rows(split);
    let errors = 0;
    for (let from = 0; from < length; from += params.batchSize) {
      const indices = Array.from({ length: Math.min(params.batchSize, length - from) }, (_, index) => from + index);
      const batch = await readBatch(features, split, indices);
      const x = tensorOf(batch);
      const predicted = variables.predict(network, x);
      x.dispose();
      for (const [index, value] of predicted.entries()) {
        errors += Math.abs(value * scale.std + scale.mean - (batch.targets[index] as number));
      }
      await breath();
    }
    return errors / length;
  };

  try {
    let next = position.step < steps ? read(position) : undefined;
    while (next) {
      await breath();
      if (hooks.stopRequested()) {
        await next;
        return { kind: 'stopped', state: take(), weights: best };
      }
      const batch = await next;
      const after = advance(position, perEpoch);
      next = after.step < steps ? read(after) : undefined;

      const x = tensorOf(batch);
      const targets = tf.tensor1d(batch.targets.map((target) => (target - scale.mean) / scale.std));
      const loss = variables.step(network, x, targets, position.step) * scale.std;
      tf.dispose([x, targets]);
      if (!Number.isFinite(loss)) throw diverged(`The loss of step ${position.step + 1} is ${loss}`, position);
      const epoch = position.epoch + 1;
      position = {
        ...after,
        lossSum: position.lossSum + loss * batch.plots,
        lossPlots: position.lossPlots + batch.plots,
      };
      if (position.step % params.logEvery === 0) {
        runLog.append({ kind: 'step', step: position.step, epoch, loss, time: now() });
      }
      hooks.onStep({ step: position.step, steps, epoch, epochs: params.epochs, loss, valMae });
      if (position.stepInEpoch > 0) continue;

      // ReLU makes 0 of what is no number, and so hides it from the loss.
      if (!variables.areFinite())
        throw diverged(`After step ${position.step} weights are no numbers any more`, position);
      valMae = await validate();
      const trainLoss = position.lossSum / position.lossPlots;
      const isBest = position.best === null || valMae < position.best.valMae;
      if (isBest) best = variables.snapshot('weights');
      position = {
        ...position,
        lossSum: 0,
        lossPlots: 0,
        trainLoss,
        best: isBest ? { epoch, valMae } : position.best,
      };
      const seconds = (performance.now() - epochStarted) / 1000;
      epochStarted = performance.now();
      runLog.append({
        kind: 'epoch',
        step: position.step,
        epoch,
        loss: trainLoss,
        val_mae: valMae,
        best: isBest,
        seconds,
        time: now(),
      });
      if (position.epoch % params.checkpointEvery === 0 || position.step === steps) await hooks.onCheckpoint(take);
    }
    return { kind: 'finished', state: take(), weights: best };
  } finally {
    variables.dispose();
  }
}

const start: Position = { step: 0, epoch: 0, stepInEpoch: 0, lossSum: 0, lossPlots: 0, trainLoss: null, best: null };

function advance(position: Position, perEpoch: number): Position {
  const last = position.stepInEpoch + 1 === perEpoch;
  return {
    ...position,
    step: position.step + 1,
    epoch: position.epoch + (last ? 1 : 0),
    stepInEpoch: last ? 0 : position.stepInEpoch + 1,
  };
}

function diverged(message: string, { step, epoch }: Position): FurrowError {
  return new FurrowError('TRAINING_DIVERGED', message, { details: { step, epoch } });
}

function asBest(tensor: NamedTensor): NamedTensor {
  return { ...tensor, name: tensor.name.replace('weights/', 'best/') };
}

function asWeights(tensor: NamedTensor): NamedTensor {
  return { ...tensor, name: tensor.name.replace('best/', 'weights/') };
}

/** Lets messages from the parent arrive: TensorFlow's calls do not return in between. */
function breath(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function now(): string {
  return new Date().toISOString();
}
