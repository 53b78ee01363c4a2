import type { PlotRow } from '../../contract/features.ts';
import type { Candidate } from './compare.ts';

/** `plot,split,target`, then a column for each model: first the plots that choose, then those that report. */
export function predictionsCsv(
  candidates: readonly Candidate[],
  rows: { readonly validation: readonly PlotRow[]; readonly test: readonly PlotRow[] },
): string {
  const lines = [['plot', 'split', 'target', ...candidates.map(({ name }) => name)]];
  for (const set of ['validation', 'test'] as const) {
    // One set stands in for the other where a split is empty: it is listed once.
    if (set === 'test' && rows.test === rows.validation) continue;
    for (const [index, { plot, split, target }] of rows[set].entries()) {
      lines.push([plot, split, String(target), ...candidates.map((each) => float32Text(each[set][index] as number))]);
    }
  }
  return lines.map((cells) => `${cells.map(cell).join(',')}\n`).join('');
}

/** Seven digits: what float32 holds. */
function float32Text(value: number): string {
  return String(Number(value.toPrecision(7)));
}

/** RFC 4180. */
function cell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
