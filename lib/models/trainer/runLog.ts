/**
 * The record of a training: JSON lines, carried by checkpoints, so that a resumed run has one row for each step. Steps count over
 * all folds; errors are in the target's unit, losses in units of the standardised target.
 */
export type RunLogRow = StartRow | StepRow | EpochRow;

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

export interface StepRow {
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
  /** Resident memory of the training process, MiB. */
  readonly memory_mb: number;
  readonly time: string;
}

export interface EpochRow {
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
  readonly memory_mb: number;
  /** Of the epoch, validation included; of its part after the last resume. */
  readonly seconds: number;
  readonly time: string;
}

/** Bytes: some hundreds of rows. */
const chunkBytes = 2 ** 16;

const lineFeed = 10;

/** Kept as bytes: as text, a long training's log is more than one string can hold (512 MiB). */
export class RunLog {
  /** What was carried, and chunks that are full. */
  readonly #full: Uint8Array[];
  #chunk = Buffer.allocUnsafeSlow(chunkBytes);
  /** Bytes of the chunk that hold rows. */
  #used = 0;

  /** @param carried the bytes that a checkpoint held, taken over as they are; of a torn last line nothing is kept */
  constructor(carried: Uint8Array = new Uint8Array()) {
    this.#full = [carried.subarray(0, carried.lastIndexOf(lineFeed) + 1)];
  }

  append(row: RunLogRow): void {
    const line = Buffer.from(`${JSON.stringify(row)}\n`, 'utf8');
    if (this.#used + line.length > this.#chunk.length) this.#open(Math.max(chunkBytes, line.length));
    line.copy(this.#chunk, this.#used);
    this.#used += line.length;
  }

  /** A copy. */
  bytes(): Uint8Array {
    return Buffer.concat([...this.#full, this.#rows()]);
  }

  #rows(): Buffer {
    return this.#chunk.subarray(0, this.#used);
  }

  #open(length: number): void {
    this.#full.push(this.#rows());
    this.#chunk = Buffer.allocUnsafeSlow(length);
    this.#used = 0;
  }
}
