import type { Band } from '../lib/data/plot/fit.ts';
import { readRaster } from '../lib/data/raster/readRaster.ts';
import { Refusal } from './refusal.ts';
import type { SentFile } from './upload.ts';

export interface SentPlot {
  /** What the file names say besides the band: `lower_left_100kg_Nitrogen_B2`. */
  readonly plot: string | undefined;
  readonly bands: ReadonlyMap<string, Band>;
}

/**
 * Finds the bands that a model takes among the files: one file with all of them in the model's order, or one file for each, told
 * apart by the form field's name (`red_edge`), else by the end of the file's own (`…_red_edge.tif`).
 *
 * @throws Refusal for a missing or doubled band; FurrowError as {@link readRaster}
 */
export async function readPlot(files: readonly SentFile[], wanted: readonly string[]): Promise<SentPlot> {
  const [only] = files;
  if (files.length === 1 && only && wanted.length > 1) return readStack(only, wanted);
  const found = new Map<string, SentFile>();
  for (const file of files) {
    const band = bandOf(file, wanted);
    // Photographs come with more bands than a model takes.
    if (!band) continue;
    if (found.has(band)) throw new Refusal(422, 'DATA_BAD_INPUT', `The band ${band} was sent twice`);
    found.set(band, file);
  }
  const missing = wanted.filter((band) => !found.has(band));
  if (missing.length > 0) {
    throw new Refusal(
      422,
      'DATA_BAD_INPUT',
      `The plot lacks ${missing.join(', ')}: name each file's form field after its band, or the file itself like plot_${missing[0]}.tif`,
    );
  }
  const bands = new Map<string, Band>();
  for (const [band, file] of found) {
    const { width, height, bands: layers } = await readRaster(file.bytes, file.name, { bands: 1 });
    bands.set(band, { width, height, pixels: layers[0] as Float32Array });
  }
  return { plot: plotName([...found].map(([band, { name }]) => stemOf(name, band))), bands };
}

async function readStack(file: SentFile, wanted: readonly string[]): Promise<SentPlot> {
  const name = file.name || 'The image';
  const { width, height, bands } = await readRaster(file.bytes, name);
  if (bands.length !== wanted.length) {
    throw new Refusal(
      422,
      'DATA_BAD_INPUT',
      `${name} has ${bands.length} band(s); expected ${wanted.length} in the order ${wanted.join(', ')}`,
    );
  }
  return {
    plot: plotName([file.name.replace(/\.[^.]*$/, '')]),
    bands: new Map(wanted.map((band, i) => [band, { width, height, pixels: bands[i] as Float32Array }])),
  };
}

function bandOf({ field, name }: SentFile, wanted: readonly string[]): string | undefined {
  const byField = wanted.find((band) => band === field);
  // `red` must not take `…_red_edge.tif`, and does not: the ending must follow the band at once.
  return byField ?? wanted.find((band) => stemOf(name, band) !== undefined);
}

/** The name without `_<band>.<ending>`; undefined where it does not end so. */
function stemOf(name: string, band: string): string | undefined {
  const [stem] = name.split(/\.(?:tiff?|npy)$/i);
  const tail = `_${band}`;
  return stem !== name && stem?.toLowerCase().endsWith(tail.toLowerCase()) ? stem.slice(0, -tail.length) : undefined;
}

/** What all files agree upon. */
function plotName(stems: readonly (string | undefined)[]): string | undefined {
  return stems.every((stem) => stem === stems[0]) ? stems[0] || undefined : undefined;
}
