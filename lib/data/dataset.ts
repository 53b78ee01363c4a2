/** A dataset by its files' names and digests, and what makes one another. */
import type { ArtifactFile } from '../../contract/artifact.ts';
import type { Split } from '../../contract/features.ts';
import { groupFiles } from './group/groupFiles.ts';

/** How files' names say which plot they are of; as `preprocess` is told. */
export interface PlotNames {
  readonly pattern: string;
  readonly bands: readonly string[];
}

export interface DatasetPlot {
  readonly name: string;
  /** The folder that it lies in, where that is a split's. */
  readonly folder: Split | undefined;
  readonly files: readonly ArtifactFile[];
}

export interface Dataset {
  /** By name; each file is one by itself where nothing says how to read names. */
  readonly plots: ReadonlyMap<string, DatasetPlot>;
  /** Files that are of no plot: labels, notes, bands that are not asked for. */
  readonly others: readonly ArtifactFile[];
}

export function describeDataset(files: readonly ArtifactFile[], names: PlotNames | undefined): Dataset {
  if (!names) {
    const plots = files.map((file): [string, DatasetPlot] => [
      file.path,
      { name: file.path, folder: undefined, files: [file] },
    ]);
    return { plots: new Map(plots), others: [] };
  }
  const byPath = new Map(files.map((file) => [file.path, file]));
  const plots = new Map<string, DatasetPlot>();
  for (const { plot, folder, files: paths } of groupFiles([...byPath.keys()], names.pattern, names.bands).plots) {
    const own = paths.filter((path) => path !== undefined).map((path) => byPath.get(path) as ArtifactFile);
    plots.set(plot, { name: plot, folder, files: own });
  }
  const taken = new Set([...plots.values()].flatMap((plot) => plot.files.map(({ path }) => path)));
  return { plots, others: files.filter(({ path }) => !taken.has(path)) };
}

export interface Change {
  readonly name: string;
  /** Paths that are new, gone, or of other contents. */
  readonly files: readonly string[];
  /** The contents are the same; the plot lies in another split's folder. */
  readonly moved?: { readonly from: Split | null; readonly to: Split | null };
}

export interface Differences {
  readonly plots: Difference;
  readonly others: Difference;
}

/** Names, sorted. */
export interface Difference {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly Change[];
  readonly same: number;
}

/** What `now` has, and `before` had not. */
export function diffDatasets(before: Dataset, now: Dataset): Differences {
  const alone = (files: readonly ArtifactFile[]) =>
    new Map(files.map((file) => [file.path, { name: file.path, folder: undefined, files: [file] }]));
  return { plots: diff(before.plots, now.plots), others: diff(alone(before.others), alone(now.others)) };
}

function diff(before: ReadonlyMap<string, DatasetPlot>, now: ReadonlyMap<string, DatasetPlot>): Difference {
  const changed: Change[] = [];
  let same = 0;
  for (const [name, plot] of [...now].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const old = before.get(name);
    if (!old) continue;
    const files = differingPaths(old.files, plot.files);
    if (files.length === 0) same++;
    else if (old.folder !== plot.folder && contents(old) === contents(plot))
      changed.push({ name, files, moved: { from: old.folder ?? null, to: plot.folder ?? null } });
    else changed.push({ name, files });
  }
  const missing = (from: ReadonlyMap<string, unknown>, than: ReadonlyMap<string, unknown>) =>
    [...from.keys()].filter((name) => !than.has(name)).sort();
  return { added: missing(now, before), removed: missing(before, now), changed, same };
}

function differingPaths(before: readonly ArtifactFile[], now: readonly ArtifactFile[]): string[] {
  const digests = (files: readonly ArtifactFile[]) => new Map(files.map(({ path, digest }) => [path, digest]));
  const [old, fresh] = [digests(before), digests(now)];
  return [...new Set([...old.keys(), ...fresh.keys()])].filter((path) => old.get(path) !== fresh.get(path)).sort();
}

function contents({ files }: DatasetPlot): string {
  return files.map(({ digest }) => digest).join();
}
