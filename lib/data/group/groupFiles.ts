/** Joins the files of a source into plots. Looks at names alone; no file is opened. */
import type { Split } from '../../../contract/features.ts';
import type { BadInput } from './badInput.ts';
import { fileMatcher, type PlotFile } from './pattern.ts';

export interface PlotFiles {
  readonly plot: string;
  readonly folder: Split | undefined;
  /** One file a band, in the order of the bands; or one file for all of them. */
  readonly files: readonly string[];
}

export interface GroupedFiles {
  /** Whole plots, sorted by name. */
  readonly plots: readonly PlotFiles[];
  readonly problems: readonly BadInput[];
  /** Files that are no plot's: other bands, labels, notes. */
  readonly ignored: number;
}

/** Plots with a missing band or a second file for one are problems, and not among `plots`. The order of `paths` does not matter. */
export function groupFiles(paths: readonly string[], pattern: string, bands: readonly string[]): GroupedFiles {
  const match = fileMatcher(pattern, bands);
  const wanted: readonly (string | undefined)[] = pattern.includes('{band}')
    ? bands.map((band) => band.toLowerCase())
    : [undefined];
  const byPlot = new Map<string, PlotFile[]>();
  let ignored = 0;
  for (const path of [...paths].sort()) {
    const file = match(path);
    if (!file || !wanted.includes(file.band)) ignored++;
    else byPlot.set(file.plot, [...(byPlot.get(file.plot) ?? []), file]);
  }

  const plots: PlotFiles[] = [];
  const problems: BadInput[] = [];
  for (const plot of [...byPlot.keys()].sort()) {
    const files = byPlot.get(plot) as PlotFile[];
    const found = problemsOf(plot, files, wanted);
    problems.push(...found);
    if (found.length > 0) continue;
    const ordered = wanted.map((band) => (files.find((file) => file.band === band) as PlotFile).path);
    plots.push({ plot, folder: files[0]?.folder, files: ordered });
  }
  return { plots, problems, ignored };
}

function problemsOf(plot: string, files: readonly PlotFile[], wanted: readonly (string | undefined)[]): BadInput[] {
  const problems: BadInput[] = [];
  const folders = new Set(files.map((file) => file.folder));
  if (folders.size > 1) {
    const names = [...folders].map((folder) => (folder ? `${folder}/` : "no split's folder")).join(' and ');
    problems.push({ kind: 'extra-file', plot, place: plot, what: `lies in ${names}` });
  }
  for (const band of wanted) {
    const [first, ...more] = files.filter((file) => file.band === band);
    if (!first) problems.push({ kind: 'missing-band', plot, place: plot, what: `has no file for the band ${band}` });
    if (folders.size > 1) continue;
    for (const file of more) {
      problems.push({
        kind: 'extra-file',
        plot,
        place: file.path,
        what: `is a second file for ${band ?? 'the plot'} beside ${first?.path}`,
      });
    }
  }
  return problems;
}
