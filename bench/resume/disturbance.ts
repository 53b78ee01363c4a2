/** How an attempt is disturbed: drawn from a seed, so that a difference that was found can be looked for again. */
import { uniforms } from '../../lib/models/random.ts';

export type Disturbance =
  /** SIGKILL so many milliseconds after the spawn, wherever that is: loading, training, validating, writing the model. */
  | { readonly kind: 'after'; readonly ms: number }
  /** SIGKILL at the message that this step is done. */
  | { readonly kind: 'at step'; readonly step: number }
  /** SIGKILL while the child writes its n-th checkpoint, so many milliseconds after the file appeared. */
  | { readonly kind: 'while writing'; readonly checkpoint: number; readonly ms: number }
  /** SIGKILL when the n-th checkpoint is handed over, before it is in the store. */
  | { readonly kind: 'while storing'; readonly checkpoint: number }
  /** Asked to stop, as a worker that shuts down does: it leaves a checkpoint at the end of its step. */
  | { readonly kind: 'stop'; readonly step: number };

export interface Remaining {
  /** Steps that the newest checkpoint holds, and all. */
  readonly from: number;
  readonly to: number;
  readonly stepsPerEpoch: number;
  /** Milliseconds from the spawn to the first step, and of a step, in the undisturbed training. */
  readonly startMs: number;
  readonly stepMs: number;
}

/** Milliseconds that writing the largest checkpoint takes: 120 MB to a disk. */
const longestWriteMs = 150;

/** @param place the model's and the attempt's number: each has its own draws */
export function drawDisturbance(
  { from, to, stepsPerEpoch, startMs, stepMs }: Remaining,
  { seed, model, attempt }: { seed: number; model: number; attempt: number },
): Disturbance {
  const [which, where, delay] = uniforms({ seed, use: 'bootstrap', epoch: model, step: attempt }, 3) as unknown as [
    number,
    number,
    number,
  ];
  const left = to - from;
  const step = from + 1 + Math.floor(where * left);
  // By the epoch at least; in between where checkpoints go by the time.
  const checkpoint = 1 + Math.floor((where * left) / stepsPerEpoch);
  if (which < 0.3) return { kind: 'after', ms: where * (startMs + left * stepMs) };
  if (which < 0.55) return { kind: 'at step', step };
  if (which < 0.75) return { kind: 'while writing', checkpoint, ms: delay ** 2 * longestWriteMs };
  if (which < 0.85) return { kind: 'while storing', checkpoint };
  return { kind: 'stop', step };
}

/** Between two checkpoints: an epoch, or the shortest time that there is, which falls in the middle of epochs. */
export function drawCheckpointEvery(place: { seed: number; model: number; attempt: number }): number | string {
  const [draw] = uniforms({ seed: place.seed, use: 'folds', epoch: place.model, step: place.attempt }, 1);
  return (draw as number) < 0.5 ? 1 : '1s';
}

/** How often a model is disturbed before it may end: once to five times. */
export function drawTimes({ seed, model }: { seed: number; model: number }): number {
  const [draw] = uniforms({ seed, use: 'order', epoch: model }, 1);
  return 1 + Math.floor((draw as number) * 5);
}
