/** What the predicting child is asked for; it writes one file for each model and split. */
import { join } from 'node:path';
import type { Split } from '../../../contract/features.ts';

export interface PredictTask {
  /** Where the features artifact was materialised. */
  readonly features: string;
  /** Where each model artifact was materialised. */
  readonly models: readonly string[];
  readonly splits: readonly Split[];
  readonly output: string;
}

/** Little-endian float32, `[plots]`, in the order of the split, in the target's unit. */
export function predictionsFile(output: string, model: number, split: Split): string {
  return join(output, `${model}-${split}.f32`);
}
