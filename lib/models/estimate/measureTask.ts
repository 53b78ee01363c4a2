/** What a measuring child is asked for; it gives a {@link MeasuredStep} and a {@link MeasuredNetwork}. */
import type { SteppedTrainParams } from '../../../contract/stages/train.ts';
import type { InputShape } from '../networks/network.ts';

export interface MeasureTask {
  readonly params: SteppedTrainParams;
  readonly input: InputShape;
  /** Of a step, at least 2. */
  readonly plots: number;
  /** Steps that are counted at most, after the first. */
  readonly steps: number;
  /** In which it should be done. */
  readonly seconds: number;
}

export interface MeasuredNetwork {
  /** Numbers that a network learns or keeps. */
  readonly weights: number;
  /** Bytes of all that goes on from step to step: weights, the optimizer's slots, moving averages. */
  readonly stateBytes: number;
}
