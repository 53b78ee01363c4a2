/** The files of a `features` artifact, as `preprocess` writes them and trainers, evaluation and the server read them. */
export const featuresFiles = {
  /** {@link FeaturesDescription} as JSON. */
  description: 'features.json',
  /** {@link PlotRow}[] as JSON: split after split, in the order of the shards. */
  plots: 'plots.json',
} as const;

export const splits = ['train', 'validation', 'test'] as const;
export type Split = (typeof splits)[number];

/** `train/00000.f32`: little-endian float32, `[plots, height, width, channels]`, at most `plotsPerShard` plots. */
export function shardFile(split: Split, shard: number): string {
  return `${split}/${String(shard).padStart(5, '0')}.f32`;
}

/** `train/summary.f32`: little-endian float32, `[plots, 2 * channels]`: each channel's mean, then each channel's standard deviation. */
export function summaryFile(split: Split): string {
  return `${split}/summary.f32`;
}

/** What is done to a plot's rasters before a network sees them: the same when training and when serving. */
export interface Preprocessing {
  /** Bands in the order of the first channels. */
  readonly bands: readonly string[];
  /** Vegetation indices appended as channels. */
  readonly indices: readonly ('ndvi' | 'ndre' | 'gndvi')[];
  /** Pixels: rows, columns. */
  readonly height: number;
  readonly width: number;
  readonly fit: 'resize' | 'crop';
  /** Pixels outside are invalid, as NaN and infinities are. */
  readonly validRange?: readonly [low: number, high: number];
  /** Per band: what an invalid pixel becomes (the training plots' mean of that band). */
  readonly fill: readonly number[];
}

export interface FeaturesDescription {
  readonly format: 1;
  readonly preprocessing: Preprocessing;
  /** Bands, then indices. */
  readonly channels: readonly string[];
  /** Per channel, over the valid pixels of the training plots alone. `std` is never 0. */
  readonly statistics: { readonly mean: readonly number[]; readonly std: readonly number[] };
  readonly target: { readonly name: string; readonly unit: string };
  readonly plots: Readonly<Record<Split, number>>;
  readonly plotsPerShard: number;
}

export interface PlotRow {
  readonly plot: string;
  readonly split: Split;
  /** Plots of one group are never parted by a split. */
  readonly group: string;
  readonly target: number;
}
