/** What the training child is asked for and gives back. */
import type { JsonObject } from '../../../contract/json.ts';
import type { TrainParams } from '../../../contract/stages/train.ts';

export interface TrainTask {
  /** Where the features artifact was materialised. */
  readonly features: string;
  readonly params: TrainParams;
  readonly seed: number;
  /** Of the stage: what checkpoints are bound to. */
  readonly key: string;
  readonly checkpoint: string | undefined;
  /** Where model, learning curve and run log are written. */
  readonly output: string;
  /** Where the run log is written as it grows, for who follows it. */
  readonly runLog?: string;
  /** Where checkpoints are written for the parent to take. */
  readonly scratch: string;
  /** Claimed while training. */
  readonly work: string;
}

export interface TrainResult {
  readonly metrics: Readonly<Record<string, number>>;
  readonly facts: JsonObject;
}
