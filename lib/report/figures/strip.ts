import { uniforms } from '../../models/random.ts';
import { dosesOf } from '../levels.ts';

/** Of the distance between two levels. */
const widestShare = 0.16;

/**
 * Where plots are drawn along the axis of the target: plots of one dose beside each other, or they would hide each other. A target
 * that is measured is left where it is.
 */
export function spreadOut(
  targets: readonly number[],
  seed: number,
): { readonly at: readonly number[]; readonly half: number } {
  const half = halfWidth(targets);
  const draws = uniforms({ seed, use: 'figures', step: 1 }, targets.length);
  return { at: targets.map((target, plot) => target + half * (2 * (draws[plot] as number) - 1)), half };
}

/** How far to either side; 0 for a measured target. */
function halfWidth(targets: readonly number[]): number {
  const doses = dosesOf(targets);
  if (!doses) return 0;
  const gaps = doses.slice(1).map((dose, at) => dose - (doses[at] as number));
  if (gaps.length === 0) return Math.abs(doses[0] ?? 0) * widestShare || 1;
  return widestShare * gaps.reduce((a, b) => Math.min(a, b));
}
