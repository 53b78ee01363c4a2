/** Where a training stands. */
export interface Position {
  /** Steps finished, from the start of the training. */
  readonly step: number;
  /** Epochs finished. */
  readonly epoch: number;
  /** Steps finished of the epoch that goes on. */
  readonly stepInEpoch: number;
  /** Sum of absolute errors and count of plots in the epoch that goes on, in the target's unit. */
  readonly lossSum: number;
  readonly lossPlots: number;
  /** Mean loss of the last finished epoch. */
  readonly trainLoss: number | null;
  readonly best: { readonly epoch: number; readonly valMae: number } | null;
}

export const startPosition: Position = {
  step: 0,
  epoch: 0,
  stepInEpoch: 0,
  lossSum: 0,
  lossPlots: 0,
  trainLoss: null,
  best: null,
};

/** After one more step, in which `plots` plots had the mean absolute error `loss`. */
export function afterStep(position: Position, stepsPerEpoch: number, loss: number, plots: number): Position {
  const last = position.stepInEpoch + 1 === stepsPerEpoch;
  return {
    ...position,
    step: position.step + 1,
    epoch: position.epoch + (last ? 1 : 0),
    stepInEpoch: last ? 0 : position.stepInEpoch + 1,
    lossSum: position.lossSum + loss * plots,
    lossPlots: position.lossPlots + plots,
  };
}

/** At the end of an epoch, once it is validated. */
export function afterEpoch(position: Position, valMae: number): Position {
  const better = position.best === null || valMae < position.best.valMae;
  return {
    ...position,
    lossSum: 0,
    lossPlots: 0,
    trainLoss: position.lossSum / position.lossPlots,
    best: better ? { epoch: position.epoch, valMae } : position.best,
  };
}
