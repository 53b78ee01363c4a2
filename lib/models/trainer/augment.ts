/** Training plots, varied anew in each epoch. Everything is drawn from (seed, epoch, step): a resumed run varies as it would have. */
import type { FeaturesDescription } from '../../../contract/features.ts';
import type { Augmentation } from '../../../contract/networks/training.ts';
import { permutation, uniforms } from '../random.ts';
import { betaDraws } from './betaDraws.ts';

export interface Drawn {
  readonly seed: number;
  readonly epoch: number;
  readonly step: number;
}

interface Plots {
  readonly plots: number;
  /** `[plots, height, width, channels]` */
  readonly pixels: Float32Array;
  /** `[plots]` */
  readonly targets: Float32Array;
}

/** Random numbers of a plot, one for each of: across, down, half a turn, brightness. */
const drawsOfPlot = 4;

/**
 * Mirrors, turns and brightens each plot by itself, in place.
 *
 * @param batch pixels as they were preprocessed: brightness multiplies reflectances, not standardised values. Indices are ratios of
 *   bands, so they stay
 */
export function vary(
  { plots, pixels }: Plots,
  description: FeaturesDescription,
  augment: Augmentation,
  at: Drawn,
): void {
  const { flips, rotate180, brightness } = augment;
  if (!flips && !rotate180 && brightness === 0) return;
  const { preprocessing, channels } = description;
  const shape = { height: preprocessing.height, width: preprocessing.width, channels: channels.length };
  const length = shape.height * shape.width * shape.channels;
  const draws = uniforms({ ...at, use: 'augmentation' }, plots * drawsOfPlot);
  for (let plot = 0; plot < plots; plot++) {
    const [across, down, turn, light] = draws.subarray(plot * drawsOfPlot) as unknown as [
      number,
      number,
      number,
      number,
    ];
    const part = pixels.subarray(plot * length, (plot + 1) * length);
    // Half a turn is both mirror images at once.
    const turned = rotate180 && turn < 0.5;
    mirror(part, shape, { across: (flips && across < 0.5) !== turned, down: (flips && down < 0.5) !== turned });
    if (brightness > 0) brighten(part, channels.length, preprocessing.bands.length, 1 + brightness * (2 * light - 1));
  }
}

export interface PlotShape {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** Mirrors one plot in place: `across` swaps left and right, `down` top and bottom. */
export function mirror(
  plot: Float32Array,
  { height, width, channels }: PlotShape,
  { across, down }: { across: boolean; down: boolean },
): void {
  if (!across && !down) return;
  const original = plot.slice();
  for (let y = 0; y < height; y++) {
    const row = (down ? height - 1 - y : y) * width;
    if (!across) {
      plot.set(original.subarray(row * channels, (row + width) * channels), y * width * channels);
      continue;
    }
    for (let x = 0; x < width; x++) {
      const from = (row + width - 1 - x) * channels;
      const to = (y * width + x) * channels;
      for (let channel = 0; channel < channels; channel++) plot[to + channel] = original[from + channel] as number;
    }
  }
}

function brighten(plot: Float32Array, channels: number, bands: number, factor: number): void {
  for (let pixel = 0; pixel < plot.length; pixel += channels) {
    for (let band = 0; band < bands; band++) plot[pixel + band] = (plot[pixel + band] as number) * factor;
  }
}

/**
 * Mixes each plot and its target with another plot of the batch: x = share * x + (1 - share) * other, with a share of its own from
 * Beta(alpha, alpha).
 *
 * Zhang, Cisse, Dauphin, Lopez-Paz: mixup: Beyond empirical risk minimization. ICLR 2018. https://arxiv.org/abs/1710.09412
 */
export function mixUp({ plots, pixels, targets }: Plots, alpha: number, at: Drawn): Plots {
  const length = pixels.length / plots;
  const place = { ...at, use: 'mixup' } as const;
  const partners = permutation(place, plots);
  const shares = betaDraws(place, alpha, plots);
  const mixed = { plots, pixels: new Float32Array(pixels.length), targets: new Float32Array(plots) };
  for (let plot = 0; plot < plots; plot++) {
    const partner = partners[plot] as number;
    const share = shares[plot] as number;
    mixed.targets[plot] = share * (targets[plot] as number) + (1 - share) * (targets[partner] as number);
    const [own, other] = [plot * length, partner * length];
    for (let i = 0; i < length; i++) {
      mixed.pixels[own + i] = share * (pixels[own + i] as number) + (1 - share) * (pixels[other + i] as number);
    }
  }
  return mixed;
}
