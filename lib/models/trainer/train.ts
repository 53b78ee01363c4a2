/** The training loop: SGD on the mean absolute error; the weights with the least validation error at an epoch's end win. */
import { type Batch, batchIndices, readBatch } from './batches.ts';
import type { NamedTensor, TrainingState } from './checkpoint.ts';
import { afterStep, type Position } from './position.ts';
import { type TrainingOptions, TrainingRun } from './trainingRun.ts';

export type { TrainingOptions } from './trainingRun.ts';

export interface TrainingProgress {
  readonly step: number;
  readonly steps: number;
  /** From 1. */
  readonly epoch: number;
  readonly epochs: number;
  /** Mean absolute error of this step's batch, in the target's unit. */
  readonly loss: number;
  /** Of the last epoch that this attempt finished. */
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
  /** The best epoch's, in the network's order; none when stopped before the first epoch's end. */
  readonly weights: readonly NamedTensor[];
}

/**
 * Trains from the start or from `resume` on; either way, and however often it was stopped, it ends with the same bits.
 *
 * @throws FurrowError `TRAINING_DIVERGED`, `DATA_EMPTY`, `CONFIG_INVALID`
 */
export async function trainNetwork(options: TrainingOptions, hooks: TrainingHooks): Promise<TrainingEnd> {
  const { epochs, checkpointEvery } = options.params;
  const run = new TrainingRun(options);
  const end = (kind: TrainingEnd['kind']): TrainingEnd => ({ kind, state: run.state(), weights: run.bestWeights() });
  const read = batchReader(options, run);
  let valMae: number | undefined;
  try {
    let next = read(run.position);
    while (next) {
      await breath();
      if (hooks.stopRequested()) {
        await next;
        return end('stopped');
      }
      const batch = await next;
      next = read(afterStep(run.position, run.stepsPerEpoch, 0, 0));
      const epoch = run.position.epoch + 1;
      const loss = run.step(batch);
      hooks.onStep({ step: run.position.step, steps: run.steps, epoch, epochs, loss, valMae });
      if (run.position.stepInEpoch > 0) continue;
      valMae = await run.endEpoch();
      if (run.position.epoch % checkpointEvery === 0 || !next) await hooks.onCheckpoint(() => run.state());
    }
    return end('finished');
  } finally {
    run.dispose();
  }
}

/** Reads the batch of the step after a position, while the step before it is computed; undefined after the last. */
function batchReader({ features, params, seed }: TrainingOptions, { steps }: TrainingRun) {
  const plots = features.rows('train').length;
  return ({ step, epoch, stepInEpoch }: Position): Promise<Batch> | undefined => {
    if (step >= steps) return undefined;
    const at = { seed, epoch, step: stepInEpoch, plots, batchSize: params.batchSize };
    const batch = readBatch(features, 'train', batchIndices(at));
    // It may fail while nobody waits for it; it is thrown where it is awaited.
    batch.catch(() => {});
    return batch;
  };
}

/** Lets messages from the parent arrive: TensorFlow's calls do not return in between. */
function breath(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
