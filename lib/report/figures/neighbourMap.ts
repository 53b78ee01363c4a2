import { setWasmEnabled, TSNE } from '@saehrimnir/druidjs';
import { uniforms } from '../../models/random.ts';

/** Fewer have no neighbourhoods to show. */
export const fewestPlots = 5;

const iterations = 1000;
const usualPerplexity = 30;

/** How many neighbours a plot has, roughly: a third of the others at most, or there is no telling near from far; 1 can be met by none. */
export function perplexityFor(plots: number): number {
  return Math.min(usualPerplexity, Math.max(2, Math.floor((plots - 1) / 3)));
}

/**
 * Plots on a plane, so that those that a network sees alike lie near each other: t-SNE, from places that the seed draws.
 *
 * Van der Maaten, Hinton: Visualizing data using t-SNE. JMLR 9 (2008). https://www.jmlr.org/papers/v9/vandermaaten08a.html
 *
 * @param features `[plots, features]`
 * @returns `[plots]` places within ±1; undefined where all plots are the same to the network, or what it sees is no number
 */
export function neighbourMap(features: Float32Array, plots: number, seed: number): readonly MapPlace[] | undefined {
  const spread = deviation(features, plots);
  if (!(spread > 0) || !Number.isFinite(spread)) return undefined;
  const width = features.length / plots;
  // Distances of about 1: the search for each plot's bandwidth starts there.
  const rows = Array.from({ length: plots }, (_, plot) =>
    Array.from(features.subarray(plot * width, (plot + 1) * width), (value) => value / spread),
  );
  // Its WebAssembly and its JavaScript round differently: what a machine's environment says is not to decide.
  setWasmEnabled(true);
  const [draw] = uniforms({ seed, use: 'figures', step: 2 }, 1);
  const map = new TSNE(rows, { perplexity: perplexityFor(plots), seed: Math.floor((draw as number) * 2 ** 32) });
  return fitted(map.transform(iterations).map(([x, y]) => ({ x: x as number, y: y as number })));
}

interface MapPlace {
  readonly x: number;
  readonly y: number;
}

/** Moved to the middle, and scaled alike along both axes. */
function fitted(places: readonly MapPlace[]): readonly MapPlace[] | undefined {
  const ends = (axis: 'x' | 'y') => {
    const least = places.reduce((end, place) => Math.min(end, place[axis]), Number.POSITIVE_INFINITY);
    const most = places.reduce((end, place) => Math.max(end, place[axis]), Number.NEGATIVE_INFINITY);
    return { middle: (least + most) / 2, half: (most - least) / 2 };
  };
  const [across, up] = [ends('x'), ends('y')];
  const half = Math.max(across.half, up.half);
  if (!(half > 0) || !Number.isFinite(half)) return undefined;
  return places.map(({ x, y }) => ({ x: (x - across.middle) / half, y: (y - up.middle) / half }));
}

/** The root of the mean squared distance of plots from their mean. */
function deviation(features: Float32Array, plots: number): number {
  const width = features.length / plots;
  let squares = 0;
  for (let feature = 0; feature < width; feature++) {
    let sum = 0;
    let squared = 0;
    for (let plot = 0; plot < plots; plot++) sum += features[plot * width + feature] as number;
    const mean = sum / plots;
    for (let plot = 0; plot < plots; plot++) squared += ((features[plot * width + feature] as number) - mean) ** 2;
    squares += squared / plots;
  }
  return Math.sqrt(squares);
}
