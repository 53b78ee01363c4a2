/** Says of each plot what is known before its pixels: its target, its group, and the split that the source itself gives it. */
import type { Split } from '../../../contract/features.ts';
import type { BadInput } from './badInput.ts';
import { filenameTarget } from './filenameTarget.ts';
import type { PlotFiles } from './groupFiles.ts';
import type { Labels } from './labels.ts';

export interface DescribedPlot extends PlotFiles {
  readonly target: number;
  readonly group: string;
  /** Undefined when the split is drawn. */
  readonly given: Split | undefined;
}

export interface DescribeOptions {
  /** Undefined: the target is in the plot's name. */
  readonly labels: Labels | undefined;
  readonly labelsFile: string;
  /** A regular expression with a capture. */
  readonly group: string | undefined;
  readonly splitBy: 'folder' | 'labels' | undefined;
}

/** @returns the plots of which all is known, and what is missing of the others */
export function describePlots(
  plots: readonly PlotFiles[],
  options: DescribeOptions,
): { readonly plots: readonly DescribedPlot[]; readonly problems: readonly BadInput[] } {
  const { labels, labelsFile, group, splitBy } = options;
  const capture = group === undefined ? undefined : new RegExp(group);
  const described: DescribedPlot[] = [];
  const problems: BadInput[] = [];
  const flawed = new Set(labels?.problems.map((problem) => problem.plot));
  for (const plot of plots) {
    const label = labels?.byPlot.get(plot.plot);
    const target = labels ? label?.target : filenameTarget(plot.plot);
    const given = splitBy === 'folder' ? plot.folder : splitBy === 'labels' ? label?.split : undefined;
    const captured = capture
      ? capture
          .exec(plot.plot)
          ?.slice(1)
          .find((part) => part !== undefined)
      : (label?.group ?? plot.plot);
    const flaw = (kind: BadInput['kind'], what: string): void => {
      problems.push({ kind, plot: plot.plot, place: plot.plot, what });
    };
    // The label's own flaw, or that of all labels, is listed already.
    if (labels && target === undefined && !labels.unusable && !flawed.has(plot.plot))
      flaw('no-label', `has no row in ${labelsFile}`);
    if (!labels && target === undefined)
      flaw('no-target', 'does not say its nitrogen as in `_100kg_`, `zerokg` or `zero_kg`');
    if (splitBy === 'folder' && !given) flaw('no-split', 'lies neither in train/ nor in test/');
    if (captured === undefined) flaw('no-group', `does not match the group pattern \`${group}\``);
    if (target === undefined || captured === undefined || (splitBy === 'folder' && !given)) continue;
    described.push({ ...plot, target, group: captured, given });
  }
  const known = new Set(plots.map((plot) => plot.plot));
  for (const [plot, label] of labels?.byPlot ?? []) {
    if (known.has(plot)) continue;
    problems.push({
      kind: 'no-plot',
      place: `${labelsFile} line ${label.line}`,
      what: `labels ${plot}, of which there is no file`,
    });
  }
  return { plots: described, problems };
}
