/** Which plots a network learns from, and which it is validated on. */
import { FurrowError } from '../../../contract/errors.ts';
import type { PlotRow, Split } from '../../../contract/features.ts';
import { type Features, learnableRows, validationSplit } from '../../data/features.ts';
import { permutation } from '../random.ts';

/** A plot's place in the features. */
export interface PlotPlace {
  readonly split: Split;
  readonly index: number;
}

export interface Fold {
  readonly train: readonly PlotPlace[];
  readonly validation: readonly PlotPlace[];
}

/**
 * One fold, the split as it was made, or `count` folds for cross-validation: training and validation plots together, cut by group,
 * each fold learning from all but its own part. Test plots are in none. Channels are standardised by the training split in every
 * fold: of what a fold holds out, it knows no more than that.
 *
 * @throws FurrowError `DATA_EMPTY` without training plots; `CONFIG_INVALID` for more folds than groups
 */
export function foldsOf(features: Features, count: number | undefined, seed: number): Fold[] {
  if (features.rows('train').length === 0) throw new FurrowError('DATA_EMPTY', 'The features hold no training plots');
  const all = learnable(features);
  if (count === undefined) {
    const of = (split: Split) => all.filter((plot) => plot.split === split);
    return [{ train: of('train'), validation: of(validationSplit(features)) }];
  }
  const assigned = assignFolds(learnableRows(features), count, seed);
  return Array.from({ length: count }, (_, fold) => ({
    train: all.filter((_, at) => assigned[at] !== fold),
    validation: all.filter((_, at) => assigned[at] === fold),
  }));
}

/** Where the learnable rows are. */
function learnable(features: Features): PlotPlace[] {
  return (['train', 'validation'] as const).flatMap((split) =>
    features.rows(split).map((_, index) => ({ split, index })),
  );
}

/**
 * The fold of each row. Groups stay whole; sorted by their mean target, every `count` neighbours go to `count` different folds,
 * so that each fold sees all levels.
 */
export function assignFolds(rows: readonly PlotRow[], count: number, seed: number): number[] {
  const sums = new Map<string, { target: number; plots: number }>();
  for (const { group, target } of rows) {
    const { target: sum, plots } = sums.get(group) ?? { target: 0, plots: 0 };
    sums.set(group, { target: sum + target, plots: plots + 1 });
  }
  if (sums.size < count) {
    throw new FurrowError(
      'CONFIG_INVALID',
      `Expected at least as many groups of plots as \`folds\`, got ${sums.size} groups for ${count} folds`,
    );
  }
  const groups = [...sums]
    .map(([group, { target, plots }]) => ({ group, target: target / plots }))
    .sort((a, b) => a.target - b.target || (a.group < b.group ? -1 : 1));
  const folds = new Map<string, number>();
  for (let first = 0; first < groups.length; first += count) {
    const order = permutation({ seed, use: 'folds', step: first }, count);
    for (const [at, { group }] of groups.slice(first, first + count).entries()) folds.set(group, order[at] as number);
  }
  return rows.map(({ group }) => folds.get(group) as number);
}
