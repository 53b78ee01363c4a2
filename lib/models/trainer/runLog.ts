/** The record of a training: JSON lines, carried by checkpoints, so that a resumed run has one row for each step. */
export type RunLogRow =
  | {
      readonly kind: 'start';
      readonly time: string;
      readonly network: string;
      readonly plots: number;
      readonly step: number;
    }
  | {
      readonly kind: 'step';
      readonly step: number;
      readonly epoch: number;
      readonly loss: number;
      readonly time: string;
    }
  | {
      readonly kind: 'epoch';
      readonly step: number;
      /** From 1. */
      readonly epoch: number;
      /** Mean absolute error over the epoch's plots, each as its step saw it. */
      readonly loss: number;
      readonly val_mae: number;
      readonly best: boolean;
      readonly seconds: number;
      readonly time: string;
    };

export class RunLog {
  readonly #lines: string[];

  /** @param carried the bytes that a checkpoint held */
  constructor(carried: Uint8Array = new Uint8Array()) {
    const text = Buffer.from(carried).toString('utf8');
    this.#lines = text === '' ? [] : text.trimEnd().split('\n');
  }

  append(row: RunLogRow): void {
    this.#lines.push(JSON.stringify(row));
  }

  bytes(): Uint8Array {
    return Buffer.from(this.#lines.map((line) => `${line}\n`).join(''), 'utf8');
  }
}
