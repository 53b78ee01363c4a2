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
 * @throws FurrowError `DATA_BAD_INPUT` when a band is missing, of another size than the others, smaller than the crop, or has no
 * valid pixel
 */
export function preprocessPlot(bands: ReadonlyMap<string, Band>, preprocessing: Preprocessing): Float32Array {
  return finishPlot(fitPlot(bands, preprocessing), preprocessing);
}

/** The first half: brings the bands to size. @returns `[height, width, bands]`, NaN where there is no valid pixel; throws as {@link preprocessPlot} */
export function fitPlot(
  bands: ReadonlyMap<string, Band>,
  { bands: names, height, width, fit, validRange }: Fitting,
): Float32Array {
  const first = bands.get(names[0] as string);
  const fitted = new Float32Array(height * width * names.length);
  for (const [channel, name] of names.entries()) {
    const band = bands.get(name);
    if (!band || !first) throw bad('missing-band', `The band ${name} is missing`);
    if (band.width !== first.width || band.height !== first.height) {
      throw bad(
        'size-differs',
        `The band ${name} has ${band.height}x${band.width} pixels, ${names[0]} has ${first.height}x${first.width}`,
      );
    }
    if (fit === 'crop' && (band.height < height || band.width < width)) {
      throw bad(
        'too-small',
        `The band ${name} has ${band.height}x${band.width} pixels, too few to crop ${height}x${width}`,
      );
    }
    const checked = { ...band, pixels: validPixels(band.pixels, validRange) };
    const pixels = fit === 'crop' ? cropBand(checked, { height, width }) : resizeBand(checked, { height, width });
    let valid = 0;
    for (let i = 0, to = channel; i < pixels.length; i++, to += names.length) {
      const value = pixels[i] as number;
      fitted[to] = value;
      if (!Number.isNaN(value)) valid++;
    }
    if (valid === 0) throw bad('no-valid-pixel', `The band ${name} has no valid pixel`);
  }
  return fitted;
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

function bad(kind: string, message: string): FurrowError {
  return new FurrowError('DATA_BAD_INPUT', message, { details: { kind } });
}
