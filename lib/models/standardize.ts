/** Per channel. */
export interface ChannelStatistics {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/**
 * Subtracts each channel's mean and divides by its standard deviation, in place: the same for training, validation and serving.
 *
 * @param pixels `[..., channels]`
 */
export function standardize(pixels: Float32Array, { mean, std }: ChannelStatistics): void {
  const channels = mean.length;
  for (let channel = 0; channel < channels; channel++) {
    const center = mean[channel] as number;
    const scale = 1 / (std[channel] as number);
    for (let at = channel; at < pixels.length; at += channels) pixels[at] = ((pixels[at] as number) - center) * scale;
  }
}

/** For a network that is given pixels as they are. */
export function unchanged(channels: number): ChannelStatistics {
  return { mean: Array(channels).fill(0), std: Array(channels).fill(1) };
}
