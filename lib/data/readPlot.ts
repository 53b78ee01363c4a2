/** Reads the rasters of one plot; what is wrong with its files becomes a list, not an end. */
import type { ArtifactReader } from '../../contract/artifact.ts';
import { FurrowError } from '../../contract/errors.ts';
import type { BadInput, BadInputKind } from './group/badInput.ts';
import type { PlotFiles } from './group/groupFiles.ts';
import type { Band } from './plot/fit.ts';
import { type Fitting, fitPlot } from './plot/preprocessPlot.ts';
import { readRaster } from './raster/readRaster.ts';

export type ReadPlot = { readonly fitted: Float32Array } | { readonly problems: readonly BadInput[] };

/**
 * @returns the plot brought to size (`[height, width, bands]`, NaN where invalid), or everything that is wrong with its files; files
 * that it does not have are for whoever grouped them to tell
 */
export async function readPlot(
  artifact: ArtifactReader,
  { plot, files }: PlotFiles,
  fitting: Fitting,
): Promise<ReadPlot> {
  const problems: BadInput[] = [];
  const bands = new Map<string, Band>();
  const fileOf = new Map<string, string>();
  const contents = await Promise.all(files.map((path) => path && artifact.read(path)));
  for (const [place, path] of files.entries()) {
    if (path === undefined) continue;
    // One file holds one band, or all of them.
    const held = files.length === 1 ? fitting.bands : fitting.bands.slice(place, place + 1);
    try {
      const raster = await readRaster(contents[place] as Uint8Array, path, { bands: held.length });
      const { width, height } = raster;
      for (const [i, name] of held.entries()) {
        bands.set(name, { width, height, pixels: raster.bands[i] as Float32Array });
        fileOf.set(name, path);
      }
    } catch (error) {
      problems.push({ kind: fileProblem(error), plot, place: path, what: withoutPath(error, path) });
    }
  }
  const fit = fitPlot(bands, fitting);
  if ('fitted' in fit) return fit;
  for (const { kind, band, what } of fit.faults) {
    const path = fileOf.get(band);
    if (path !== undefined) problems.push({ kind, plot, place: path, what });
  }
  return { problems };
}

function fileProblem(error: unknown): BadInputKind {
  const code = error instanceof FurrowError ? error.code : undefined;
  if (code === 'FILE_UNREADABLE') return 'unreadable';
  if (code === 'TIFF_UNSUPPORTED' || code === 'NPY_UNSUPPORTED') return 'unsupported';
  throw error;
}

/** The list names the file before the sentence. */
function withoutPath(error: unknown, path: string): string {
  return (error as Error).message.replace(path, '').replace(/^:? /, '');
}
