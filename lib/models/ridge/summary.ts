/**
 * What ridge sees of a plot: each channel's mean, then each channel's standard deviation (divided by n), over all pixels, as in
 * the `summary.f32` of a features artifact.
 *
 * @param pixels `[plots, height, width, channels]`, not standardised
 * @returns `[plots, 2 * channels]`
 */
export function summarizePlots(pixels: Float32Array, plots: number, channels: number): Float32Array {
  const out = new Float32Array(plots * 2 * channels);
  const plotLength = pixels.length / plots;
  for (let plot = 0; plot < plots; plot++) {
    for (let channel = 0; channel < channels; channel++) {
      const { mean, std } = moments(pixels, plot * plotLength + channel, (plot + 1) * plotLength, channels);
      out[plot * 2 * channels + channel] = mean;
      out[plot * 2 * channels + channels + channel] = std;
    }
  }
  return out;
}

function moments(pixels: Float32Array, from: number, to: number, stride: number): { mean: number; std: number } {
  const count = Math.ceil((to - from) / stride);
  let sum = 0;
  for (let at = from; at < to; at += stride) sum += pixels[at] as number;
  const mean = sum / count;
  let squares = 0;
  for (let at = from; at < to; at += stride) squares += ((pixels[at] as number) - mean) ** 2;
  return { mean, std: Math.sqrt(squares / count) };
}
