import { summarizePlot } from '../../data/plot/preprocessPlot.ts';

/**
 * What ridge sees of plots: for each a row as in the `summary.f32` of a features artifact.
 *
 * @param pixels `[plots, height, width, channels]`, not standardised
 * @returns `[plots, 2 * channels]`
 */
export function summarizePlots(pixels: Float32Array, plots: number, channels: number): Float32Array {
  const out = new Float32Array(plots * 2 * channels);
  const plotLength = pixels.length / plots;
  for (let plot = 0; plot < plots; plot++) {
    const from = plot * plotLength;
    out.set(summarizePlot(pixels.subarray(from, from + plotLength), channels), plot * 2 * channels);
  }
  return out;
}
