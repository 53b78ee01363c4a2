/**
 * Vegetation indices, all of the form `(a - b) / (a + b)`: NDVI (Rouse et al. 1974), NDRE (Barnes et al. 2000), GNDVI (Gitelson,
 * Kaufman and Merzlyak 1996).
 */
import type { Preprocessing } from '../../../contract/features.ts';

type Index = Preprocessing['indices'][number];

/** What each index computes: `[a, b]`. It stands here, not in the contract, because a stage's fingerprint covers `lib/` alone. */
export const indexFormulas: Readonly<Record<Index, readonly [a: string, b: string]>> = {
  ndvi: ['nir', 'red'],
  ndre: ['nir', 'red_edge'],
  gndvi: ['nir', 'green'],
};

/** Computes the index channels of `plot` (`[height, width, channels]`, bands filled in already) in place. */
export function appendIndices(plot: Float32Array, { bands, indices }: Pick<Preprocessing, 'bands' | 'indices'>): void {
  const channels = bands.length + indices.length;
  for (const [place, index] of indices.entries()) {
    const [first, second] = indexFormulas[index].map((band) => bands.indexOf(band)) as [number, number];
    for (let pixel = 0; pixel < plot.length; pixel += channels) {
      const a = plot[pixel + first] as number;
      const b = plot[pixel + second] as number;
      plot[pixel + bands.length + place] = normalizedDifference(a, b);
    }
  }
}

/** Between -1 and 1; 0 where both bands are dark, or noise makes their sum zero or negative; NaN for NaN. */
function normalizedDifference(a: number, b: number): number {
  const sum = a + b;
  if (sum <= 0) return 0;
  return Math.min(1, Math.max(-1, (a - b) / sum));
}
