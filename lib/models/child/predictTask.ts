/** What the predicting child is asked for; it writes one file for each model and split, and one for each that learned features. */
import { join } from 'node:path';
import type { Split } from '../../../contract/features.ts';

export interface PredictTask {
  /** Where the features artifact was materialised. */
  readonly features: string;
  /** Where each model artifact was materialised. */
  readonly models: readonly string[];
  readonly splits: readonly Split[];
  /** Plots of which what the networks learned to see is written, too: places in the split. */
  readonly embed?: { readonly split: Split; readonly rows: readonly number[] };
  readonly output: string;
}

/** Little-endian float32, `[plots]`, in the order of the split, in the target's unit. */
export function predictionsFile(output: string, model: number, split: Split): string {
  return join(output, `${model}-${split}.f32`);
}

/** Little-endian float32, `[rows, features]`; none for a model that learned no features. */
export function embeddedFile(output: string, model: number): string {
  return join(output, `${model}-embedded.f32`);
}
