/** A training in memory, fold after fold: takes a step, ends an epoch, gives its state. */
import { FurrowError } from '../../../contract/errors.ts';
import type { SteppedTrainParams } from '../../../contract/stages/train.ts';
import type { Features } from '../../data/features.ts';
import type { Tf } from '../tensorflow.ts';
import { type Batch, stepsPerEpoch } from './batches.ts';
import type { NamedTensor, TrainingState } from './checkpoint.ts';
import { cycleAt } from './cycles.ts';
import { FoldRun, type Step } from './foldRun.ts';
import { type Fold, foldsOf } from './folds.ts';
import { HeldOut } from './heldOut.ts';
import { Pace } from './pace.ts';
import { afterCycle, afterEpoch, afterFold, afterStep, nextPlace, type Position, startPosition } from './position.ts';
import { ResourceMeter } from './resourceMeter.ts';
import { RunLog } from './runLog.ts';
import { scaleTensors } from './targetScale.ts';

export interface TrainingOptions {
  readonly tf: Tf;
  readonly features: Features;
  readonly params: SteppedTrainParams;
  readonly seed: number;
  /** Digest of what the training depends on, written into checkpoints. */
  readonly training: string;
  readonly resume?: TrainingState | undefined;
  /** Is given the run log as it grows. */
  onLogged?(bytes: Uint8Array): void;
}

export class TrainingRun {
  readonly folds: readonly Fold[];
  /** Of all folds, as far as none ends early. */
  readonly steps: number;
  readonly #options: TrainingOptions;
  readonly #stepsOfFolds: readonly number[];
  readonly #runLog: RunLog;
  readonly #pace: Pace;
  readonly #resources = new ResourceMeter();
  readonly #heldOut: HeldOut;
  #position: Position;
  #fold: FoldRun;
  /** The weights of finished members, `member/NUMBER/NAME`, with their target's scale. */
  #members: readonly NamedTensor[];
  /** The present cycle's best epoch, `best/NAME`, with what it predicted for the validation plots, `best predictions`. */
  #best: readonly NamedTensor[];

  /** @throws FurrowError `DATA_EMPTY` without training plots; `CONFIG_INVALID` when they do not suit network or folds */
  constructor(options: TrainingOptions) {
    const { features, params, seed, resume } = options;
    this.#options = options;
    this.folds = foldsOf(features, params.folds, seed);
    this.#position = resume?.position ?? startPosition;
    const stored = (prefix: string) => resume?.tensors.filter(({ name }) => name.startsWith(prefix)) ?? [];
    this.#members = stored('member/');
    this.#best = stored('best');
    this.#heldOut = new HeldOut(features, this.folds, stored('held out')[0]);
    this.#fold = this.#openFold(resume?.tensors);
    this.#stepsOfFolds = this.folds.map(({ train }) => params.epochs * stepsPerEpoch(train.length, params.batchSize));
    this.steps = this.#stepsOfFolds.reduce((sum, steps) => sum + steps, 0);
    this.#runLog = new RunLog(resume?.runLog, options.onLogged);
    this.#pace = new Pace();
    const plots = (this.folds[this.#position.fold] as Fold | undefined)?.train.length ?? 0;
    this.#runLog.append({ kind: 'start', time: now(), network: params.model, plots, step: this.#position.step });
  }

  get position(): Position {
    return this.#position;
  }

  /** All steps of an epoch are taken, and it is not validated yet. */
  get isEpochOpen(): boolean {
    const { stepInEpoch, epochSums } = this.#position;
    return stepInEpoch === 0 && epochSums.plots > 0;
  }

  /** Seconds that the rest takes at most, at the pace of the last steps; undefined before there was one. */
  get secondsLeft(): number | undefined {
    const { fold, foldStep } = this.#position;
    // A fold that ended early has left out the rest of its steps.
    const before = this.#stepsOfFolds.slice(0, fold).reduce((sum, steps) => sum + steps, 0);
    return this.#pace.secondsFor(this.steps - before - foldStep);
  }

  get imagesPerSecond(): number | undefined {
    return this.#pace.imagesPerSecond;
  }

  /** The next step's batch; undefined when all is trained. */
  read(): Promise<Batch> | undefined {
    return this.#fold.read(this.#position);
  }

  /** The batch of the step after the next one; undefined where this fold's epochs end. */
  readAhead(): Promise<Batch> | undefined {
    return this.#fold.read(nextPlace(this.#position, this.#fold.stepsPerEpoch));
  }

  /**
   * Takes one step.
   *
   * @throws FurrowError `TRAINING_DIVERGED` when its loss is not a number
   */
  step(batch: Batch): Step {
    const { logEvery } = this.#options.params;
    const step = this.#fold.step(batch, this.#position);
    const epoch = this.#position.epoch + 1;
    this.#position = afterStep(this.#position, this.#fold.stepsPerEpoch, step);
    this.#pace.stepped(batch.plots);
    const { step: number } = this.#position;
    if (!Number.isFinite(step.loss)) throw diverged(`The loss of step ${number} is ${step.loss}`, this.#position);
    if (number % logEvery === 0) {
      const { loss, mae, learningRate, gradientNorm } = step;
      this.#runLog.append({
        ...{ kind: 'step', step: number, ...this.#foldNumber(), epoch, loss, mae, learning_rate: learningRate },
        ...(gradientNorm === undefined ? {} : { gradient_norm: gradientNorm }),
        ...{ images_per_second: rounded(this.#pace.imagesPerSecond ?? 0), ...this.#resources.read(), time: now() },
      });
    }
    return step;
  }

  /**
   * Validates what the epoch made of the weights, keeps them when they are the best so far, and goes on to the next fold where
   * this was the fold's last epoch. Stopped before that, it leaves everything as it was: {@link isEpochOpen} stays true.
   *
   * @throws FurrowError `TRAINING_DIVERGED` when weights or the validation error are not numbers
   */
  async endEpoch(stopRequested: () => boolean): Promise<'ended' | 'stopped'> {
    const { params } = this.#options;
    // ReLU makes 0 of what is no number, and so hides it from the loss.
    if (!this.#fold.areFinite()) throw diverged('Weights are no numbers any more', this.#position);
    const validated = await this.#fold.validate(stopRequested);
    if (!validated) return 'stopped';
    const { predicted, mae } = validated;
    // No later epoch would be less than NaN, and in a checkpoint it becomes null.
    if (!Number.isFinite(mae)) throw diverged(`The validation error is ${mae}`, this.#position);
    this.#position = afterEpoch(this.#position, mae, params.keep);
    const { epoch, best } = this.#position;
    if (best?.epoch === epoch) this.#best = this.#bestTensors(predicted);
    this.#logEpoch(mae);
    const { patience = Number.POSITIVE_INFINITY } = params.earlyStopping ?? {};
    const foldEnds = epoch === params.epochs || epoch - (best?.epoch ?? epoch) >= patience;
    if (foldEnds || cycleAt(epoch, params).from === epoch) this.#endCycle();
    if (foldEnds) this.#endFold();
    return 'ended';
  }

  /** A copy, to be written or to be gone on from. */
  state(): TrainingState {
    return {
      training: this.#options.training,
      position: this.#position,
      tensors: [...this.#fold.state(), ...this.#best, ...this.#members, this.#heldOut.tensor()],
      runLog: this.#runLog.bytes(),
    };
  }

  /** The finished members' weights, `NUMBER/NAME`, with `NUMBER/target/mean` and `NUMBER/target/std`. */
  members(): readonly NamedTensor[] {
    return this.#members.map((tensor) => ({ ...tensor, name: tensor.name.replace('member/', '') }));
  }

  get heldOut(): HeldOut {
    return this.#heldOut;
  }

  dispose(): void {
    this.#fold.dispose();
    this.#resources.stop();
  }

  #openFold(stored?: readonly NamedTensor[]): FoldRun {
    const { tf, features, params, seed } = this.#options;
    const number = Math.min(this.#position.fold, this.folds.length - 1);
    return new FoldRun({ tf, features, params, seed, number, fold: this.folds[number] as Fold, stored });
  }

  #endCycle(): void {
    const number = this.#position.members.length;
    const member = `member/${number}/`;
    const weights = this.#best.filter(({ name }) => name.startsWith('best/'));
    const predicted = this.#best.find(({ name }) => name === bestPredictions) as NamedTensor;
    this.#members = [
      ...this.#members,
      ...weights.map((tensor) => ({ ...tensor, name: tensor.name.replace('best/', member) })),
      ...scaleTensors(this.#fold.scale).map((tensor) => ({ ...tensor, name: member + tensor.name })),
    ];
    this.#heldOut.add(this.#position.fold, predicted.values);
    this.#best = [];
    this.#position = afterCycle(this.#position);
  }

  /** After the last fold, the last network stays in memory: a state can still be taken. */
  #endFold(): void {
    if (this.#position.fold + 1 === this.folds.length) {
      // Ended early or not, there is nothing more to read.
      this.#position = { ...this.#position, epoch: this.#options.params.epochs, stepInEpoch: 0 };
      return;
    }
    this.#position = afterFold(this.#position);
    this.#fold.dispose();
    this.#fold = this.#openFold();
  }

  #bestTensors(predicted: Float32Array): NamedTensor[] {
    const weights = this.#fold.weights().map((tensor) => ({ ...tensor, name: `best/${tensor.name}` }));
    return [...weights, { name: bestPredictions, shape: [predicted.length], values: predicted }];
  }

  #logEpoch(valMae: number): void {
    const { step, epoch, lastEpoch, best } = this.#position;
    const { loss = 0, mae = 0 } = lastEpoch ?? {};
    const { seconds, imagesPerSecond } = this.#pace.epochEnded();
    this.#runLog.append({
      ...{ kind: 'epoch', step, ...this.#foldNumber(), epoch, loss, mae, val_mae: valMae, best: best?.epoch === epoch },
      ...{ images_per_second: rounded(imagesPerSecond), ...this.#resources.read(), seconds, time: now() },
    });
  }

  #foldNumber(): { fold?: number } {
    return this.folds.length > 1 ? { fold: this.#position.fold + 1 } : {};
  }
}

const bestPredictions = 'best predictions';

function diverged(message: string, { step, epoch }: Position): FurrowError {
  return new FurrowError('TRAINING_DIVERGED', message, { details: { step, epoch } });
}

function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

function now(): string {
  return new Date().toISOString();
}
