/** The layout of a made-up nitrogen trial: which plots there are, what each was given, and what else differs between them. */
import type { SyntheticPlots } from '../../../contract/sourceAddress.ts';
import { randomStream } from '../random.ts';

/** kg N per hectare. */
export const nitrogenLevels = [0, 100, 200, 300] as const;

export interface TrialPlot {
  /** Place among all plots of the trial: names it and draws its random numbers. */
  readonly index: number;
  readonly split: 'train' | 'test';
  readonly kilograms: number;
  /** As in `lower_left_100kg_Nitrogen_B2`; unique in the trial. */
  readonly name: string;
}

const corners = ['lower_left', 'lower_right', 'upper_left', 'upper_right'] as const;

/** Levels are balanced within each split and shuffled, so that a plot's number says nothing of its nitrogen. */
export function layOut({ train, test, seed }: SyntheticPlots): TrialPlot[] {
  const kilograms = [...balanced(train, seed, 'train'), ...balanced(test, seed, 'test')];
  const spelling = randomStream(seed, 'zero');
  return kilograms.map((level, index) => {
    // Both spellings of zero occur in the field.
    const amount = level > 0 ? `${level}kg` : spelling.uniform(index) < 0.5 ? 'zerokg' : 'zero_kg';
    const name = `${corners[index % 4]}_${amount}_Nitrogen_${block(Math.floor(index / 4))}`;
    return { index, split: index < train ? 'train' : 'test', kilograms: level, name };
  });
}

function balanced(count: number, seed: number, split: string): number[] {
  const draws = randomStream(seed, 'levels', split);
  return Array.from({ length: count }, (_, i) => ({ level: nitrogenLevels[i % 4] as number, draw: draws.uniform(i) }))
    .sort((a, b) => a.draw - b.draw)
    .map(({ level }) => level);
}

/** A1 to A9, B1 to Z9, AA1 and so on, as blocks of a field are named. */
function block(index: number): string {
  let letters = '';
  for (let rest = Math.floor(index / 9); rest >= 0; rest = Math.floor(rest / 26) - 1) {
    letters = String.fromCharCode(65 + (rest % 26)) + letters;
  }
  return `${letters}${(index % 9) + 1}`;
}
