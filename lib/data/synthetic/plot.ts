/**
 * Photographs one plot of the made-up trial from above.
 *
 * Nitrogen raises leaf chlorophyll and leaf area. So do, or seem to do, things that have nothing to do with it: sowing density and
 * drought move leaf area, soils differ in brightness and moisture, flights in light and its colour, plants are missing in patches,
 * weeds are green whatever the crop was given. A plot's mean colour mixes all of these; the colour of the leaves in the middle of
 * a row, set against the soil and the shade beside it, keeps nitrogen apart. That takes a look at where the pixels are.
 */
import type { SyntheticPlots } from '../../../contract/sourceAddress.ts';
import { type RandomStream, randomStream } from '../random.ts';
import { bareSoil, cover, denseCanopy, nutrition, syntheticBands, transmission } from './canopy.ts';
import { smoothField } from './field.ts';
import type { TrialPlot } from './trial.ts';

/** Raise when the same address would give other pixels: it is part of the source's version. */
export const generatorVersion = 1;

/** Plots photographed in one flight share its light. */
const flights = 8;

/** @returns reflectance per band (green, red, red edge, near infrared), each `[height, width]`, about 0 to 1 */
export function photograph(plot: TrialPlot, spec: SyntheticPlots): Float32Array[] {
  const { seed, height, width, noise } = spec;
  const draw = (use: string): RandomStream => randomStream(seed, use, plot.index);
  const state = plotState(plot, draw('plot'), seed);
  const ground = { height, width };
  // Fields of mean 0 and standard deviation 1; scales in pixels, a pixel being about 2.5 cm.
  const patches = smoothField(ground, 22, draw('patches'));
  const leaves = smoothField(ground, 4, draw('leaves'));
  const clods = smoothField(ground, 3, draw('clods'));
  const damp = smoothField(ground, 30, draw('damp'));
  const weeds = smoothField(ground, 7, draw('weeds'));
  const greenness = smoothField(ground, 5, draw('greenness'));
  const sensor = draw('sensor');

  const bands = syntheticBands.map(() => new Float32Array(height * width));
  for (let y = 0, pixel = 0; y < height; y++) {
    for (let x = 0; x < width; x++, pixel++) {
      const at = rowPosition(x, y, state);
      const growth = Math.exp(0.25 * (patches[pixel] as number) + 0.3 * (leaves[pixel] as number));
      const gap = (patches[pixel] as number) < state.gapBelow ? 0.08 : 1;
      const weed = (weeds[pixel] as number) > state.weedAbove ? 1.6 : 0;
      const cropArea = state.leafArea * rowProfile(at, state) * growth * gap;
      const area = cropArea + weed;
      const leafShare = weed > 0 ? cropArea / area : 1;
      const chlorophyll =
        (leafShare * state.chlorophyll + (1 - leafShare) * state.weedChlorophyll) *
        Math.exp(0.06 * (greenness[pixel] as number));
      const covered = cover(area);
      const sunlit = 1 - state.shade * shadow(at, state) * (1 - covered);
      const moisture = Math.min(1, Math.max(0, state.moisture + 0.18 * (damp[pixel] as number)));
      const brightness = state.soil * Math.exp(0.12 * (clods[pixel] as number));
      for (let band = 0; band < 4; band++) {
        const dense = denseCanopy(band, chlorophyll);
        const soil = bareSoil(band, brightness, moisture);
        const through = transmission(dense, area);
        const seen = dense + (soil - dense) * through;
        const light = (state.light[band] as number) * sunlit;
        // Photon noise grows with the square root of the signal, read noise does not.
        const deviation = noise * Math.sqrt(0.004 ** 2 + 0.00025 * seen * light);
        const values = bands[band] as Float32Array;
        values[pixel] = Math.max(0, seen * light + deviation * sensor.normal(pixel * 4 + band));
      }
    }
  }
  return bands;
}

interface PlotState {
  /** m2 leaf per m2 ground, mean of the plot. */
  readonly leafArea: number;
  /** ug/cm2. */
  readonly chlorophyll: number;
  readonly weedChlorophyll: number;
  readonly soil: number;
  readonly moisture: number;
  readonly shade: number;
  /** Pixels from row to row, where the first one lies, and how far rows drift per pixel down. */
  readonly spacing: number;
  readonly phase: number;
  readonly slant: number;
  /** Half width of a row over the spacing. */
  readonly rowWidth: number;
  readonly gapBelow: number;
  readonly weedAbove: number;
  /** Per band: how bright and of what colour the light is that the sensor was not told of. */
  readonly light: readonly number[];
}

function plotState(plot: TrialPlot, draws: RandomStream, seed: number): PlotState {
  let next = 0;
  const uniform = (from: number, to: number): number => from + (to - from) * draws.uniform(1000 + next++);
  const normal = (deviation: number): number => deviation * draws.normal(next++);
  // What the soil gives by itself differs by plot and cannot be seen apart from the fertiliser.
  const fed = nutrition(70 + normal(12) + plot.kilograms);
  const flight = Math.floor(uniform(0, flights));
  const sky = randomStream(seed, 'flight', flight);
  const bright = 0.18 * sky.normal(0) + normal(0.15);
  const drought = Math.exp(normal(0.45));
  const density = Math.exp(normal(0.4));
  return {
    leafArea: 4.2 * (0.5 + 0.5 * fed) * drought * density,
    chlorophyll: 12 + 62 * fed + normal(1.2),
    weedChlorophyll: uniform(25, 60),
    soil: Math.exp(normal(0.4)),
    moisture: uniform(0, 0.9),
    shade: uniform(0.15, 0.7),
    spacing: uniform(11, 15),
    phase: uniform(0, 15),
    slant: normal(0.02),
    rowWidth: uniform(0.13, 0.26),
    gapBelow: -1.1 - Math.abs(normal(0.9)),
    weedAbove: uniform(0.6, 2.4),
    light: syntheticBands.map((_, band) => Math.exp(bright + 0.015 * sky.normal(1 + band) + normal(0.008))),
  };
}

/** Where a pixel lies between two rows: -0.5 to 0.5, 0 in the middle of a row. */
function rowPosition(x: number, y: number, { spacing, phase, slant }: PlotState): number {
  const turns = (x + phase + slant * y) / spacing;
  return turns - Math.floor(turns) - 0.5;
}

/** Leaf area at a place over the plot's mean: a bell around the middle of the row, of mean about 1. */
function rowProfile(at: number, { rowWidth }: PlotState): number {
  const bell = Math.exp(-0.5 * (at / rowWidth) ** 2);
  return bell / (rowWidth * Math.sqrt(2 * Math.PI));
}

/** The row's shadow falls to one side of it. */
function shadow(at: number, { rowWidth }: PlotState): number {
  return Math.exp(-0.5 * ((at - 1.2 * rowWidth) / 0.14) ** 2);
}
