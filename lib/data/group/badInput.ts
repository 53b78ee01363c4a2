/** Everything that is wrong with the files of a source, collected so that a person corrects it in one go. */
import { FurrowError } from '../../../contract/errors.ts';

export type BadInputKind =
  | 'missing-band'
  | 'extra-file'
  | 'size-differs'
  | 'too-small'
  | 'no-valid-pixel'
  | 'unreadable'
  | 'unsupported'
  | 'no-target'
  | 'no-label'
  | 'no-plot'
  | 'bad-label'
  | 'no-split'
  | 'group-parted';

export interface BadInput {
  readonly kind: BadInputKind;
  /** The plot that is dropped for it; undefined for what belongs to no plot. */
  readonly plot?: string;
  /** The file, or the row of the labels, that a person looks at. */
  readonly place: string;
  readonly what: string;
}

/** The message goes into workflow history and onto a screen: so many lines, of so many characters. */
const mostListed = 20;
const longestLine = 200;

/** @throws FurrowError `DATA_BAD_INPUT` that lists what is in `problems`, if anything is */
export function failOnBadInput(problems: readonly BadInput[]): void {
  if (problems.length === 0) return;
  const sorted = sortBadInput(problems);
  const lines = sorted.slice(0, mostListed).map(({ place, what }) => cut(`  ${place}: ${what}`));
  if (sorted.length > mostListed) lines.push(`  and ${sorted.length - mostListed} more`);
  const noun = sorted.length === 1 ? 'file or plot is' : 'files or plots are';
  throw new FurrowError('DATA_BAD_INPUT', `${sorted.length} ${noun} not usable:\n${lines.join('\n')}`, {
    details: { count: sorted.length, kinds: countKinds(sorted) },
  });
}

export function sortBadInput(problems: readonly BadInput[]): BadInput[] {
  const key = ({ place, kind, what }: BadInput): string => `${place}\0${kind}\0${what}`;
  return [...problems].sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

export function countKinds(problems: readonly BadInput[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const kind of problems.map((problem) => problem.kind).sort()) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

function cut(line: string): string {
  return line.length > longestLine ? `${line.slice(0, longestLine - 1)}…` : line;
}
