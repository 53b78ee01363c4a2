/** The colour of a plot's level: the same in every figure. */
import { dosesOf } from '../levels.ts';
import type { FigureData } from './figureData.ts';
import { withUnit } from './panels.ts';

/** Viridis: rises in lightness, also for people who see fewer colours. Its end is too light for a white page. */
const scheme = { name: 'viridis', extent: [0, 0.92] } as const;

/** For rows with a `target`: a colour for each dose, or a continuous one where the target is a measurement. */
export function levelColour(data: FigureData, targets: readonly number[]) {
  const title = withUnit(data.target.name, data);
  // Of many plots, points are drawn faint.
  const legend = { symbolOpacity: 1 };
  const doses = dosesOf(targets);
  if (!doses) return { field: 'target', type: 'quantitative', title, scale: { scheme } } as const;
  // Of one dose alone there is no scale to speak of.
  const one = { range: ['#3b528b'] };
  const scale = { domain: [...doses], ...(doses.length === 1 ? one : { scheme }) };
  return { field: 'target', type: 'ordinal', title, scale, sort: null, legend } as const;
}
