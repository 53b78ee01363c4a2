/** Where a training stands. A plain value: it goes into checkpoints as it is. */
export interface Position {
  /** Steps finished, from the start of the training, over all folds. */
  readonly step: number;
  /** From 0; 0 without cross-validation. */
  readonly fold: number;
  /** Steps finished of this fold. */
  readonly foldStep: number;
  /** Epochs finished of this fold; all that there could be, where the last fold ended early. */
  readonly epoch: number;
  /** Epochs finished, over all folds. */
  readonly epochs: number;
  /** Steps finished of the epoch that goes on. */
  readonly stepInEpoch: number;
  readonly epochSums: Sums;
  /** The last finished epoch's means; null before the first one's end. */
  readonly lastEpoch: { readonly loss: number; readonly mae: number; readonly valMae: number } | null;
  /** Of the learning-rate cycle that goes on: the epoch whose weights will be kept. */
  readonly best: Best | null;
  /** The networks that are finished, in order. */
  readonly members: readonly Member[];
}

/** Over the plots of an epoch that was begun. */
export interface Sums {
  readonly loss: number;
  /** Absolute errors, in the target's unit. */
  readonly errors: number;
  readonly plots: number;
}

export interface Best {
  readonly epoch: number;
  /** Mean absolute error on the validation plots, in the target's unit. */
  readonly valMae: number;
}

/** One of the networks whose mean the model predicts. */
export interface Member extends Best {
  readonly fold: number;
}

const noSums: Sums = { loss: 0, errors: 0, plots: 0 };

export const startPosition: Position = {
  step: 0,
  fold: 0,
  foldStep: 0,
  epoch: 0,
  epochs: 0,
  stepInEpoch: 0,
  epochSums: noSums,
  lastEpoch: null,
  best: null,
  members: [],
};

/** What a step saw: means over its `plots` plots, the error in the target's unit. */
export interface StepResult {
  readonly loss: number;
  readonly mae: number;
  readonly plots: number;
}

/** After one more step. */
export function afterStep(position: Position, stepsPerEpoch: number, { loss, mae, plots }: StepResult): Position {
  const { epochSums: sums } = position;
  return {
    ...nextPlace(position, stepsPerEpoch),
    epochSums: { loss: sums.loss + loss * plots, errors: sums.errors + mae * plots, plots: sums.plots + plots },
  };
}

/** Where the step after the next one is taken, unless the fold ends before. */
export function nextPlace(position: Position, stepsPerEpoch: number): Position {
  const last = position.stepInEpoch + 1 === stepsPerEpoch;
  return {
    ...position,
    step: position.step + 1,
    foldStep: position.foldStep + 1,
    epoch: position.epoch + (last ? 1 : 0),
    stepInEpoch: last ? 0 : position.stepInEpoch + 1,
  };
}

/** At the end of an epoch, once it is validated. */
export function afterEpoch(position: Position, valMae: number, keep: 'best' | 'last'): Position {
  const { epoch, epochSums, best } = position;
  const better = best === null || keep === 'last' || valMae < best.valMae;
  return {
    ...position,
    epochs: position.epochs + 1,
    epochSums: noSums,
    lastEpoch: { loss: epochSums.loss / epochSums.plots, mae: epochSums.errors / epochSums.plots, valMae },
    best: better ? { epoch, valMae } : best,
  };
}

/** At the end of a learning-rate cycle: its best epoch becomes a member. */
export function afterCycle(position: Position): Position {
  const { fold, best, members } = position;
  return { ...position, best: null, members: best ? [...members, { fold, ...best }] : members };
}

export function afterFold(position: Position): Position {
  return { ...position, fold: position.fold + 1, foldStep: 0, epoch: 0, stepInEpoch: 0, best: null };
}
