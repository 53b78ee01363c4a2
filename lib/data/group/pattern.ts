/** Reads plot and band out of a file's path, as the pattern `{plot}_{band}.tif` says. */
import type { Split } from '../../../contract/features.ts';

export interface PlotFile {
  /** The path in the artifact. */
  readonly path: string;
  /** The plot's name: what {plot} matched, behind the folders that are no split's. */
  readonly plot: string;
  /** What {band} matched, in lower case; undefined for a pattern without it. */
  readonly band: string | undefined;
  /** The split whose folder the file lies in. */
  readonly folder: Split | undefined;
}

/**
 * Bands that are told apart although nobody asked for them: with bands [green, red], `p_red_edge.tif` must not become the red band
 * of a plot `p_…` or the edge of another.
 */
const wellKnownBands = [
  'coastal',
  'blue',
  'green',
  'yellow',
  'red',
  'red_edge',
  'rededge',
  'nir',
  'swir',
  'thermal',
  'lwir',
  'pan',
  'rgb',
];

/** @returns a reader of paths: undefined for a file that is not of the pattern */
export function fileMatcher(pattern: string, bands: readonly string[]): (path: string) => PlotFile | undefined {
  // Longest first: `red_edge` before `red`.
  const known = [...new Set([...bands, ...wellKnownBands].map((band) => band.toLowerCase()))].sort(
    (a, b) => b.length - a.length,
  );
  const matcher = patternRegex(pattern, '[^/]+?', known.map(literally).join('|'));
  return (path) => plotFileOf(path, matcher);
}

/**
 * @returns a reader of paths whose band may be anything: every way to part a name into plot and band, the longest plot first, since
 * both may have the character between them
 */
export function anyBandMatcher(pattern: string): (path: string) => Iterable<PlotFile> {
  const matchers: RegExp[] = [];
  return function* (path) {
    for (let most = longestName; most > 0; ) {
      matchers[most] ??= patternRegex(pattern, `[^/]{1,${most}}`, '[^/]+?');
      const file = plotFileOf(path, matchers[most] as RegExp);
      if (!file) return;
      yield file;
      most = file.plot.length - file.plot.lastIndexOf('/') - 2;
    }
  };
}

/** Bytes, of file systems: https://man7.org/linux/man-pages/man3/realpath.3.html (NAME_MAX) */
const longestName = 255;

function patternRegex(pattern: string, plot: string, band: string): RegExp {
  const regex = pattern.replace(/\{plot\}|\{band\}|[\\^$.*+?()[\]{}|]/g, (part) => {
    if (part === '{plot}') return `(?<plot>${plot})`;
    if (part === '{band}') return `(?<band>${band})`;
    return `\\${part}`;
  });
  // A second {plot} or {band} would be a second group of that name: it must match the same text.
  const once = regex.replace(/\(\?<(plot|band)>[^)]*\)/g, keepFirst());
  return new RegExp(`^(?<prefix>(?:[^/]+/)*)${once}$`, 'i');
}

function plotFileOf(path: string, matcher: RegExp): PlotFile | undefined {
  const found = matcher.exec(path)?.groups;
  if (!found) return undefined;
  const folders = (found.prefix ?? '').split('/').slice(0, -1);
  const folder = splitOf(folders[0]);
  const plot = [...(folder ? folders.slice(1) : folders), found.plot as string].join('/');
  return { path, plot, band: found.band?.toLowerCase(), folder };
}

const splitFolders: Readonly<Record<string, Split>> = {
  train: 'train',
  training: 'train',
  validation: 'validation',
  val: 'validation',
  test: 'test',
};

/** The split that a folder or a label names, if any. */
export function splitOf(name: string | undefined): Split | undefined {
  const key = name?.trim().toLowerCase() ?? '';
  return Object.hasOwn(splitFolders, key) ? splitFolders[key] : undefined;
}

function keepFirst(): (group: string, name: string) => string {
  const seen = new Set<string>();
  return (group, name) => {
    if (seen.has(name)) return `\\k<${name}>`;
    seen.add(name);
    return group;
  };
}

function literally(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
