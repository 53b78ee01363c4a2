/** Sorts groups of plots into strata of like targets, so that every split sees all of them. */

export interface GroupOfPlots {
  readonly group: string;
  readonly plots: number;
  /** Mean of its plots' targets. */
  readonly target: number;
}

/** Up to so many different values, targets are levels of a trial; above, a continuous quantity. */
const mostLevels = 12;
const quantileBins = 5;

/** @returns the groups stratum by stratum, from the lowest targets to the highest; within one by name */
export function strataOf(groups: readonly GroupOfPlots[]): GroupOfPlots[][] {
  const sorted = [...groups].sort((a, b) => a.target - b.target || (a.group < b.group ? -1 : 1));
  const levels = [...new Set(sorted.map((group) => group.target))];
  if (levels.length <= mostLevels) return levels.map((level) => sorted.filter((group) => group.target === level));
  const bins = Math.min(quantileBins, sorted.length);
  return Array.from({ length: bins }, (_, bin) =>
    sorted.slice(Math.round((bin * sorted.length) / bins), Math.round(((bin + 1) * sorted.length) / bins)),
  );
}
