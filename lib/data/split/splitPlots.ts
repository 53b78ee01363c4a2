/** Decides which plots train, which choose between models, and which test. */
import { FurrowError } from '../../../contract/errors.ts';
import type { Split } from '../../../contract/features.ts';
import type { BadInput } from '../group/badInput.ts';
import { randomStream } from '../random.ts';
import { type GroupOfPlots, strataOf } from './strata.ts';

export interface SplitPlot {
  readonly plot: string;
  readonly group: string;
  readonly target: number;
  /** What the source itself says; undefined for all when the test plots are drawn. */
  readonly given: Split | undefined;
}

export interface SplitRule {
  /** Share of all plots, where no split is given. */
  readonly test: number | undefined;
  /** Share of the plots that do not test; not drawn where the source gives validation plots itself. */
  readonly validation: number;
  readonly seed: number;
}

/**
 * Groups are never parted. What is drawn is stratified by target, and depends on seed and group names alone: not on the order of
 * the plots, nor on what was drawn before.
 *
 * @param plots without any of {@link partedGroups}
 * @throws FurrowError `DATA_EMPTY` when nothing is left to train on
 */
export function splitPlots(plots: readonly SplitPlot[], rule: SplitRule): Map<string, Split> {
  const splitOfGroup = new Map<string, Split>();
  const groups = groupsOf(plots);
  for (const { group, given } of plots) splitOfGroup.set(group, given ?? 'train');
  if (rule.test !== undefined) {
    for (const group of draw(groups, rule.test, { seed: rule.seed, use: 'test' })) splitOfGroup.set(group, 'test');
  }
  if (![...splitOfGroup.values()].includes('validation')) {
    const rest = groups.filter(({ group }) => splitOfGroup.get(group) === 'train');
    for (const group of draw(rest, rule.validation, { seed: rule.seed, use: 'validation' }))
      splitOfGroup.set(group, 'validation');
  }
  const splits = new Map(plots.map(({ plot, group }) => [plot, splitOfGroup.get(group) as Split]));
  if (![...splits.values()].includes('train')) throw new FurrowError('DATA_EMPTY', 'No plot is left to train on');
  return splits;
}

/** Every plot of the groups that the given split parts: test plots like those that trained a model flatter it. */
export function partedGroups(plots: readonly SplitPlot[]): BadInput[] {
  const splitsOf = new Map<string, Set<Split | undefined>>();
  for (const { group, given } of plots) splitsOf.set(group, (splitsOf.get(group) ?? new Set()).add(given));
  return plots.flatMap(({ plot, group, given }): BadInput[] => {
    const others = [...(splitsOf.get(group) ?? [])].filter((split) => split !== given).sort();
    if (others.length === 0) return [];
    const what = `is a ${given} plot; others of its group ${group} are ${others.join(' and ')} plots`;
    return [{ kind: 'group-parted', plot, place: plot, what }];
  });
}

/** Groups that hold about `share` of the plots; at least one, and never all, where `share` is above 0 and there are two. */
function draw(groups: readonly GroupOfPlots[], share: number, { seed, use }: { seed: number; use: string }): string[] {
  if (share === 0 || groups.length < 2) return [];
  const shuffled = strataOf(groups).map((stratum) =>
    stratum
      .map((group) => ({ ...group, draw: randomStream(seed, 'split', use, group.group).uniform(0) }))
      .sort((a, b) => a.draw - b.draw || (a.group < b.group ? -1 : 1)),
  );
  const drawn: string[] = [];
  // What a stratum took too little or too much of is made up for in the next ones.
  let owed = 0;
  for (const stratum of shuffled) {
    owed += share * stratum.reduce((sum, group) => sum + group.plots, 0);
    for (const group of stratum) {
      if (group.plots / 2 > owed) break;
      drawn.push(group.group);
      owed -= group.plots;
    }
  }
  if (drawn.length > 0) return drawn.length === groups.length ? drawn.slice(1) : drawn;
  const middle = shuffled[Math.floor(shuffled.length / 2)] as GroupOfPlots[];
  return middle.slice(0, 1).map(({ group }) => group);
}

function groupsOf(plots: readonly SplitPlot[]): GroupOfPlots[] {
  const targets = new Map<string, number[]>();
  for (const { group, target } of [...plots].sort((a, b) => (a.plot < b.plot ? -1 : 1))) {
    const list = targets.get(group);
    if (list) list.push(target);
    else targets.set(group, [target]);
  }
  return [...targets].map(([group, list]) => ({
    group,
    plots: list.length,
    target: list.reduce((sum, target) => sum + target, 0) / list.length,
  }));
}
