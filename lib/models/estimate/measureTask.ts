/** What the measuring child is asked for, and what it says after each batch size. */
import type { SteppedTrainParams } from '../../../contract/stages/train.ts';
import type { InputShape } from '../networks/network.ts';
import type { MeasuredStep } from './measuredSteps.ts';

export interface MeasureTask {
  readonly params: SteppedTrainParams;
  readonly input: InputShape;
  /** Plots of the training's largest step. */
  readonly target: number;
  /** Bytes that steps may take at most. */
  readonly bytes: number;
  /** Seconds that steps may take together. */
  readonly seconds: number;
}

export interface MeasuredNetwork {
  /** Numbers that a network learns or keeps. */
  readonly weights: number;
  /** Bytes of all that goes on from step to step: weights, the optimizer's slots, moving averages. */
  readonly stateBytes: number;
}

/** As metrics of the child's progress, so that a child that is killed at the next batch size has said this. */
export type MeasuredMetrics = MeasuredStep & MeasuredNetwork;
