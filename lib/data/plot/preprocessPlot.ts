/** What is done to one plot, the same when training and when serving. Pure: no file is read, no state kept. */
import { FurrowError } from '../../../contract/errors.ts';
import type { Preprocessing } from '../../../contract/features.ts';
import { type Band, cropBand, resizeBand } from './fit.ts';
import { appendIndices } from './indices.ts';

/** All of {@link Preprocessing} but what is only known once the training plots were seen. */
export type Fitting = Omit<Preprocessing, 'fill'>;

/**
 * @param bands the plot's rasters by band name; others are ignored
 * @returns `[height, width, channels]`: the bands, invalid pixels filled, then the indices; not standardised
 * @throws FurrowError `DATA_BAD_INPUT` that tells every band which is missing, of another size than the others, smaller than the
 * crop, or without a valid pixel
 */
export function preprocessPlot(bands: ReadonlyMap<string, Band>, preprocessing: Preprocessing): Float32Array {
  const fit = fitPlot(bands, preprocessing);
  if ('fitted' in fit) return finishPlot(fit.fitted, preprocessing);
  throw new FurrowError('DATA_BAD_INPUT', fit.faults.map(({ what }) => what).join('; '), {
    details: { kind: fit.faults[0]?.kind ?? '' },
  });
}

/** What is wrong with one band of a plot. */
export interface BandFault {
  readonly kind: 'missing-band' | 'size-differs' | 'too-small' | 'no-valid-pixel';
  readonly band: string;
  /** A sentence. */
  readonly what: string;
}

/** The first half: brings the bands to size. @returns `[height, width, bands]`, NaN where there is no valid pixel, or every band's faults */
export function fitPlot(
  bands: ReadonlyMap<string, Band>,
  { bands: names, height, width, fit, validRange }: Fitting,
): { readonly fitted: Float32Array } | { readonly faults: readonly BandFault[] } {
  const usual = usualBand(names, bands);
  const fitted = new Float32Array(height * width * names.length);
  const faults: BandFault[] = [];
  for (const [channel, name] of names.entries()) {
    const band = bands.get(name);
    const fault = (kind: BandFault['kind'], what: string): void => {
      faults.push({ kind, band: name, what: `The band ${name} ${what}` });
    };
    if (!band) {
      fault('missing-band', 'is missing');
      continue;
    }
    const checked = { ...band, pixels: validPixels(band.pixels, validRange) };
    const has = `has ${band.height}x${band.width} pixels`;
    const differs = usual !== undefined && (band.width !== usual.width || band.height !== usual.height);
    const tooSmall = fit === 'crop' && (band.height < height || band.width < width);
    if (differs) fault('size-differs', `${has}, ${usual.name} has ${usual.height}x${usual.width}`);
    else if (tooSmall) fault('too-small', `${has}, too few to crop ${height}x${width}`);
    if (differs || tooSmall) {
      if (checked.pixels.every(Number.isNaN)) fault('no-valid-pixel', 'has no valid pixel');
      continue;
    }
    const pixels = fit === 'crop' ? cropBand(checked, { height, width }) : resizeBand(checked, { height, width });
    let valid = 0;
    for (let i = 0, to = channel; i < pixels.length; i++, to += names.length) {
      const value = pixels[i] as number;
      fitted[to] = value;
      if (!Number.isNaN(value)) valid++;
    }
    if (valid === 0) fault('no-valid-pixel', 'has no valid pixel');
  }
  return faults.length > 0 ? { faults } : { fitted };
}

/** The second half: fills invalid pixels, appends the indices. @param fitted what {@link fitPlot} returned; not changed */
export function finishPlot(fitted: Float32Array, preprocessing: Preprocessing): Float32Array {
  const { bands, indices, fill } = preprocessing;
  const channels = bands.length + indices.length;
  const out = new Float32Array((fitted.length / bands.length) * channels);
  for (let from = 0, to = 0; from < fitted.length; from += bands.length, to += channels) {
    for (let band = 0; band < bands.length; band++) {
      const value = fitted[from + band] as number;
      out[to + band] = Number.isNaN(value) ? (fill[band] as number) : value;
    }
  }
  appendIndices(out, preprocessing);
  return out;
}

/** A plot's row of the summary: each channel's mean, then each channel's standard deviation. @param plot `[height, width, channels]` */
export function summarizePlot(plot: Float32Array, channels: number): Float32Array {
  const summary = new Float32Array(2 * channels);
  const pixels = plot.length / channels;
  for (let channel = 0; channel < channels; channel++) {
    let sum = 0;
    for (let at = channel; at < plot.length; at += channels) sum += plot[at] as number;
    const mean = sum / pixels;
    let squares = 0;
    for (let at = channel; at < plot.length; at += channels) squares += ((plot[at] as number) - mean) ** 2;
    summary[channel] = mean;
    summary[channels + channel] = Math.sqrt(squares / pixels);
  }
  return summary;
}

function validPixels(pixels: Float32Array, range: readonly [number, number] | undefined): Float32Array {
  const [low, high] = range ?? [-Number.MAX_VALUE, Number.MAX_VALUE];
  return pixels.map((value) => (value >= low && value <= high ? value : Number.NaN));
}

/** A band of the size that most have, the first of them: what the others are held against. */
function usualBand(names: readonly string[], bands: ReadonlyMap<string, Band>): (Band & { name: string }) | undefined {
  const found = names.flatMap((name) => {
    const band = bands.get(name);
    return band ? [{ name, ...band }] : [];
  });
  const alike = (one: Band): number =>
    found.filter(({ width, height }) => width === one.width && height === one.height).length;
  return found.toSorted((a, b) => alike(b) - alike(a))[0];
}
