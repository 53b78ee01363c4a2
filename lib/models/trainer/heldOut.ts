import type { PlotRow } from '../../../contract/features.ts';
import { type Features, learnableRows } from '../../data/features.ts';
import type { NamedTensor } from './checkpoint.ts';
import type { Fold } from './folds.ts';

const tensorName = 'held out';

/**
 * What the finished networks predict for plots that they did not learn from: each plot by those that held it out. What a model is
 * validated by, when every plot was learned from by some of its networks.
 */
export class HeldOut {
  readonly #folds: readonly Fold[];
  readonly #rows: readonly PlotRow[];
  readonly #features: Features;
  /** By row of {@link learnableRows}: sum of predictions, in the target's unit, then how many there were. */
  readonly #sums: Float32Array;

  constructor(features: Features, folds: readonly Fold[], stored?: NamedTensor) {
    this.#features = features;
    this.#folds = folds;
    this.#rows = learnableRows(features);
    this.#sums = stored?.values.slice() ?? new Float32Array(this.#rows.length * 2);
  }

  /** Takes in what one network of a fold predicted for the fold's validation plots. */
  add(fold: number, predicted: Float32Array): void {
    for (const [index, { split, index: row }] of (this.#folds[fold] as Fold).validation.entries()) {
      const at = (split === 'train' ? row : this.#features.rows('train').length + row) * 2;
      this.#sums[at] = (this.#sums[at] as number) + (predicted[index] as number);
      this.#sums[at + 1] = (this.#sums[at + 1] as number) + 1;
    }
  }

  /** The mean of each plot's predictions, training plots first, then validation plots; NaN for a plot that none held out. */
  predictions(): Float32Array {
    return Float32Array.from(
      this.#rows,
      (_, at) => (this.#sums[at * 2] as number) / (this.#sums[at * 2 + 1] as number),
    );
  }

  /** Mean absolute error over the plots that were held out. */
  mae(): number {
    let sum = 0;
    let plots = 0;
    for (const [at, predicted] of this.predictions().entries()) {
      if (Number.isNaN(predicted)) continue;
      sum += Math.abs(predicted - (this.#rows[at] as PlotRow).target);
      plots++;
    }
    return sum / plots;
  }

  tensor(): NamedTensor {
    return { name: tensorName, shape: [this.#rows.length, 2], values: this.#sums.slice() };
  }
}
