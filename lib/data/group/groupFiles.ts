/** Joins the files of a source into plots. Looks at names alone; no file is opened. */
import type { Split } from '../../../contract/features.ts';
import type { BadInput } from './badInput.ts';
import { anyBandMatcher, fileMatcher, type PlotFile } from './pattern.ts';

export interface PlotFiles {
  readonly plot: string;
  readonly folder: Split | undefined;
  /** One file a band, in the order of the bands, undefined where it is missing; or one file for all of them. */
  readonly files: readonly (string | undefined)[];
}

export interface GroupedFiles {
  /** Sorted by name; those that `problems` name are among them, with the files that they have. */
  readonly plots: readonly PlotFiles[];
  readonly problems: readonly BadInput[];
  /** Files that are no plot's, and those of other bands: labels, notes. */
  readonly ignored: number;
  /** Bands that nobody asked for although most plots have them, with their files. */
  readonly ignoredBands: Readonly<Record<string, number>>;
}

/**
 * A missing band, a second file for one, and a plot in two splits are problems. So is a file of a band that nobody asked for, if at
 * most half of the plots have it: a stray. Where more have it, the folder holds more bands than `bands` chooses, and they are
 * ignored. Such a file is known by its plot: its name is of the pattern with a plot of the others for `{plot}` and anything for
 * `{band}`. The order of `paths` does not matter.
 */
export function groupFiles(paths: readonly string[], pattern: string, bands: readonly string[]): GroupedFiles {
  const match = fileMatcher(pattern, bands);
  const wanted: readonly (string | undefined)[] = pattern.includes('{band}')
    ? bands.map((band) => band.toLowerCase())
    : [undefined];
  const byPlot = new Map<string, PlotFile[]>();
  const others: string[] = [];
  for (const path of [...paths].sort()) {
    const file = match(path);
    if (!file || !wanted.includes(file.band)) others.push(path);
    else byPlot.set(file.plot, [...(byPlot.get(file.plot) ?? []), file]);
  }

  const plots: PlotFiles[] = [];
  const problems: BadInput[] = [];
  for (const plot of [...byPlot.keys()].sort()) {
    const files = byPlot.get(plot) as PlotFile[];
    problems.push(...problemsOf(plot, files, wanted));
    const ordered = wanted.map((band) => files.find((file) => file.band === band)?.path);
    plots.push({ plot, folder: files[0]?.folder, files: ordered });
  }
  const unasked = pattern.includes('{band}') ? unaskedBands(others, pattern, byPlot) : new Map<string, PlotFile[]>();
  const ignoredBands: Record<string, number> = {};
  let strays = 0;
  for (const [band, files] of [...unasked].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const having = new Set(files.map((file) => file.plot)).size;
    if (2 * having > byPlot.size) {
      ignoredBands[band] = files.length;
      continue;
    }
    strays += files.length;
    for (const { plot, path } of files) {
      const what = `is of the band ${band}, which is not in \`bands\` and which ${having} of ${byPlot.size} plots have`;
      problems.push({ kind: 'extra-band', plot, place: path, what });
    }
  }
  return { plots, problems, ignored: others.length - strays, ignoredBands };
}

/** Files of known plots, by the band that they are of. */
function unaskedBands(
  paths: readonly string[],
  pattern: string,
  plots: ReadonlyMap<string, unknown>,
): Map<string, PlotFile[]> {
  const readings = anyBandMatcher(pattern);
  const found = new Map<string, PlotFile[]>();
  for (const path of paths) {
    for (const file of readings(path)) {
      if (file.band === undefined || !plots.has(file.plot)) continue;
      found.set(file.band, [...(found.get(file.band) ?? []), file]);
      break;
    }
  }
  return found;
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
