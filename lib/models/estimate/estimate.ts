/** What a training will take, from what a few of its steps took. */
import type { SteppedTrainParams } from '../../../contract/stages/train.ts';
import type { InputShape } from '../networks/network.ts';
import type { PlotCounts } from './countPlots.ts';
import type { Measurement } from './measure.ts';
import { at, lineThrough } from './measuredSteps.ts';
import { epochSeconds, largestStep, networksOf, plotsOfNetwork } from './trainingTime.ts';
import { largestBatchSize, type Smaller, smallerTraining, type Verdict, verdictOf } from './verdict.ts';

export interface Estimate {
  readonly weights: number;
  readonly batchSize: number;
  /** Of one network: the whole training's without `folds`. Undefined where only fetching would tell. */
  readonly plots: PlotCounts | undefined;
  /** Networks that are trained one after another: `folds`, or 1. */
  readonly networks: number;
  readonly epochs: number;
  /** Bytes. */
  readonly peakBytes: number;
  /** Plots of the training's largest step, and of the largest that was taken: where that is less, memory and time are extrapolated. */
  readonly stepPlots: number;
  readonly measuredPlots: number;
  readonly stepSeconds: number;
  /** With its validation; of 100 plots, without it, where the plots are not known. */
  readonly epochSeconds: number;
  /** Of all epochs of all networks; undefined where the plots are not known. */
  readonly trainingSeconds: number | undefined;
  /** Of the largest checkpoint. */
  readonly checkpointBytes: number;
  readonly verdict: Verdict;
  /** That fits in comfort; undefined where none does. */
  readonly largestBatchSize: number | undefined;
  /** Only where the verdict is not that it fits. */
  readonly lower: Smaller | undefined;
}

/** Plots for which the time is told where they are not known. */
export const plotsUnknown = 100;

/** @param available bytes */
export function estimate(
  { params, input, plots: all }: { params: SteppedTrainParams; input: InputShape; plots: PlotCounts | undefined },
  measurement: Measurement,
  available: number,
): Estimate {
  const { batchSize, epochs } = params;
  const { weights, stateBytes, steps } = measurement;
  const plots = all && plotsOfNetwork(all, params.folds);
  const stepPlots = plots ? largestStep(plots.train, batchSize) : batchSize;
  const { trained, kept } = networksOf(params);
  const weightBytes = weights * Float32Array.BYTES_PER_ELEMENT;
  const members = (kept - 1) * weightBytes;
  const line = lineThrough(steps, 'peakBytes');
  // The weights of networks that are finished stay in memory, for the next checkpoint and the model.
  const memory = { ...line, fixed: line.fixed + members };
  const times = { step: lineThrough(steps, 'stepSeconds'), validate: lineThrough(steps, 'validateSeconds') };
  const epoch = epochSeconds(plots ?? { train: plotsUnknown, validation: 0 }, batchSize, times);
  const peakBytes = at(memory, stepPlots);
  const verdict = verdictOf(peakBytes, available);
  return {
    ...{ weights, batchSize, plots, networks: trained, epochs, peakBytes },
    stepPlots,
    measuredPlots: steps.at(-1)?.plots ?? 0,
    stepSeconds: at(times.step, stepPlots),
    epochSeconds: epoch,
    trainingSeconds: plots && epoch * epochs * trained,
    checkpointBytes: stateBytes + weightBytes + members,
    verdict,
    largestBatchSize: largestBatchSize(memory, available),
    lower: verdict === 'fits' ? undefined : smallerTraining(memory, available, input),
  };
}
