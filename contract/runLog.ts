/**
 * The record of a training: JSON lines, carried by checkpoints, so that a resumed run has one row for each step. Steps count over
 * all folds; errors are in the target's unit, losses in units of the standardised target.
 */
export type RunLogRow = StartRow | StepRow | EpochRow | FitRow;

/** An attempt begins or goes on. */
export interface StartRow {
  readonly kind: 'start';
  readonly time: string;
  readonly network: string;
  /** That one network learns from. */
  readonly plots: number;
  /** Steps finished before. */
  readonly step: number;
}

export interface StepRow extends Resources {
  readonly kind: 'step';
  readonly step: number;
  /** From 1; absent without cross-validation. */
  readonly fold?: number;
  /** From 1. */
  readonly epoch: number;
  readonly loss: number;
  /** Mean absolute error of the batch, as the step saw it: varied plots, dropout on. */
  readonly mae: number;
  readonly learning_rate: number;
  /** Length of the gradient before it was clipped; where `clipNorm` is set. */
  readonly gradient_norm?: number;
  readonly images_per_second: number;
  readonly time: string;
}

export interface EpochRow extends Resources {
  readonly kind: 'epoch';
  readonly step: number;
  readonly fold?: number;
  readonly epoch: number;
  /** Means over the epoch's plots, each as its step saw it. */
  readonly loss: number;
  readonly mae: number;
  readonly val_mae: number;
  /** The least validation error so far. */
  readonly best: boolean;
  readonly images_per_second: number;
  /** Of the epoch, validation included; of its part after the last resume. */
  readonly seconds: number;
  readonly time: string;
}

/** A model that is solved for, not trained in steps: its one row. */
export interface FitRow {
  readonly kind: 'fit';
  readonly lambda: number;
  readonly loss: number;
  readonly val_mae: number;
  readonly time: string;
}

/** What the training process takes of its machine. */
export interface Resources {
  /** Resident memory, MiB. */
  readonly memory_mb: number;
  /** Of one core, since the row before: 200 is two cores. */
  readonly cpu_percent?: number;
  /** Of the GPU's time; where there is one. */
  readonly gpu_percent?: number;
  /** MiB. */
  readonly gpu_memory_mb?: number;
}
