/** Reads the rasters of one plot; what is wrong with its files becomes a list, not an end. */
import type { ArtifactReader } from '../../contract/artifact.ts';
import { FurrowError } from '../../contract/errors.ts';
import type { BadInput, BadInputKind } from './group/badInput.ts';
import type { PlotFiles } from './group/groupFiles.ts';
import type { Band } from './plot/fit.ts';
import { type Fitting, fitPlot } from './plot/preprocessPlot.ts';
import { readRaster } from './raster/readRaster.ts';

export type ReadPlot = { readonly fitted: Float32Array } | { readonly problems: readonly BadInput[] };

/** @returns the plot brought to size (`[height, width, bands]`, NaN where invalid), or everything that is wrong with it */
export async function readPlot(
  artifact: ArtifactReader,
  { plot, files }: PlotFiles,
  fitting: Fitting,
): Promise<ReadPlot> {
  const problems: BadInput[] = [];
  const bands = new Map<string, Band>();
  const perFile = files.length === 1 ? fitting.bands.length : 1;
  const contents = await Promise.all(files.map((path) => artifact.read(path)));
  for (const [place, path] of files.entries()) {
    const bytes = contents[place] as Uint8Array;
    try {
      const { width, height, bands: rasters } = await readRaster(bytes, path, { bands: perFile });
      for (const [i, pixels] of rasters.entries())
        bands.set(fitting.bands[place + i] as string, { width, height, pixels });
    } catch (error) {
      problems.push({ kind: fileProblem(error), plot, place: path, what: withoutPath(error, path) });
    }
  }
  if (problems.length > 0) return { problems };
  try {
    return { fitted: fitPlot(bands, fitting) };
  } catch (error) {
    if (!(error instanceof FurrowError) || error.code !== 'DATA_BAD_INPUT') throw error;
    return { problems: [{ kind: error.details.kind as BadInputKind, plot, place: plot, what: error.message }] };
  }
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
