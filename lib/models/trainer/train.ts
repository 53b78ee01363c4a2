/** The training loop: step after step, epoch after epoch, fold after fold; it can stop between any two steps and go on from there. */
import { setImmediate as breathe } from 'node:timers/promises';
import type { NamedTensor, TrainingState } from './checkpoint.ts';
import { checkpointClock } from './checkpointClock.ts';
import { collectGarbage } from './collectGarbage.ts';
import { type TrainingOptions, TrainingRun } from './trainingRun.ts';

export type { TrainingOptions } from './trainingRun.ts';

export interface TrainingProgress {
  readonly step: number;
  readonly steps: number;
  /** From 1. */
  readonly epoch: number;
  readonly epochs: number;
  /** From 1. */
  readonly fold: number;
  readonly folds: number;
  /** Of this step's batch, in units of the standardised target. */
  readonly loss: number;
  /** Mean absolute error of this step's batch, in the target's unit. */
  readonly mae: number;
  /** Of the last finished epoch. */
  readonly valMae: number | undefined;
  readonly imagesPerSecond: number | undefined;
  readonly secondsLeft: number | undefined;
}

export interface TrainingHooks {
  /** Asked between steps. */
  stopRequested(): boolean;
  onStep(progress: TrainingProgress): void;
  /** Where a checkpoint is due. `take` copies the state; not calling it leaves the checkpoint to a later step. */
  onCheckpoint(take: () => TrainingState): void;
}

export interface TrainingEnd {
  /** `stopped`: there is more to train, from `state` on. */
  readonly kind: 'finished' | 'stopped';
  readonly state: TrainingState;
  /** Of the finished networks whose mean the model predicts, `NUMBER/NAME`. */
  readonly members: readonly NamedTensor[];
  /** Mean absolute error on plots that were held out, in the target's unit; NaN before a network is finished. */
  readonly valMae: number;
  /** What was predicted for them: training plots, then validation plots; NaN for one that none held out. */
  readonly heldOut: Float32Array;
}

/**
 * Trains from the start or from `resume` on; either way, and however often it was stopped, it ends with the same bits.
 *
 * @throws FurrowError `TRAINING_DIVERGED`, `DATA_EMPTY`, `CONFIG_INVALID`
 */
export async function trainNetwork(options: TrainingOptions, hooks: TrainingHooks): Promise<TrainingEnd> {
  const run = new TrainingRun(options);
  const clock = checkpointClock(options.params.checkpointEvery);
  const end = (kind: TrainingEnd['kind']): TrainingEnd => {
    const { heldOut } = run;
    return { kind, state: run.state(), members: run.members(), valMae: heldOut.mae(), heldOut: heldOut.predictions() };
  };
  const checkpoint = () =>
    hooks.onCheckpoint(() => {
      clock.taken();
      return run.state();
    });
  try {
    // Stopped while it validated.
    if (run.isEpochOpen && (await run.endEpoch(hooks.stopRequested)) === 'stopped') return end('stopped');
    let next = run.read();
    while (next) {
      // Lets messages from the parent arrive: TensorFlow's calls do not return in between.
      await breathe();
      collectGarbage();
      if (hooks.stopRequested()) {
        await next.catch(() => {});
        return end('stopped');
      }
      const batch = await next;
      next = run.readAhead();
      const { fold, epoch } = run.position;
      const { loss, mae } = run.step(batch);
      const { step, stepInEpoch, lastEpoch } = run.position;
      hooks.onStep({
        ...{ step, steps: run.steps, epoch: epoch + 1, epochs: options.params.epochs },
        ...{ fold: fold + 1, folds: run.folds.length, loss, mae, valMae: lastEpoch?.valMae },
        ...{ imagesPerSecond: run.imagesPerSecond, secondsLeft: run.secondsLeft },
      });
      const epochEnded = stepInEpoch === 0;
      if (epochEnded) {
        if ((await run.endEpoch(hooks.stopRequested)) === 'stopped') return end('stopped');
        // Another fold, or an end before the last epoch: what was read ahead is of no use.
        if (run.position.fold !== fold || run.position.epoch !== epoch + 1) next = run.read();
      }
      if (!next || clock.isDue(run.position, epochEnded)) checkpoint();
    }
    return end('finished');
  } finally {
    run.dispose();
  }
}
