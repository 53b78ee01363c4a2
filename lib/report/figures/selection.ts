import { permutation } from '../../models/random.ts';

/**
 * Places of at most `most` plots, in order; all of them where there are no more. Taken at even distances along the target, so that
 * each level has the share of them that it has of all; which ones of a level, the seed says.
 */
export function evenSelection(targets: readonly number[], most: number, seed: number): readonly number[] {
  if (targets.length <= most) return targets.map((_, place) => place);
  const target = (place: number) => targets[place] as number;
  // Sorting is stable: plots of one level stay shuffled.
  const byTarget = [...permutation({ seed, use: 'figures' }, targets.length)].sort((a, b) => target(a) - target(b));
  const chosen = Array.from({ length: most }, (_, at) => byTarget[Math.floor(((at + 0.5) * targets.length) / most)]);
  return (chosen as number[]).sort((a, b) => a - b);
}
