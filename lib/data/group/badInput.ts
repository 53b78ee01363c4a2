/** Everything that is wrong with the files of a source, collected so that a person corrects it in one go. */
import { FurrowError } from '../../../contract/errors.ts';
import { longestMessage } from '../../../contract/redact.ts';
import type { StageLog } from '../../../contract/stage.ts';

export type BadInputKind =
  | 'missing-band'
  | 'extra-file'
  | 'extra-band'
  | 'size-differs'
  | 'too-small'
  | 'no-valid-pixel'
  | 'unreadable'
  | 'unsupported'
  | 'no-target'
  | 'no-group'
  | 'no-label'
  | 'no-plot'
  | 'bad-label'
  | 'bad-labels'
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

/** Characters of a line, so that one path of many folders does not take the place of ten. */
const longestLine = 200;

/** Characters: `has no file for the band red` is one. */
const shortSentence = 32;

/**
 * The message goes into workflow history and onto a screen, which cut it: it names every file and what is wrong with it where that
 * fits, every file and the kind of fault where only that fits, and else counts what it leaves out. {@link logBadInput} leaves out nothing.
 *
 * @throws FurrowError `DATA_BAD_INPUT` that lists what is in `problems`, if anything is
 */
export function failOnBadInput(problems: readonly BadInput[]): void {
  if (problems.length === 0) return;
  const places = byPlace(problems);
  const noun = places.length === 1 ? 'file or plot is' : 'files or plots are';
  const heading = `${places.length} ${noun} not usable:`;
  const long = places.map(({ place, found }) => cut(`  ${place}: ${sentence(found)}`));
  const short = places.map(({ place, found }) => cut(`  ${place}: ${words(found)}`));
  const fitting = [long, short].find((lines) => fits([heading, ...lines]));
  const lines = fitting ?? counted(heading, short);
  throw new FurrowError('DATA_BAD_INPUT', [heading, ...lines].join('\n'), {
    details: { count: places.length, kinds: countKinds(problems) },
  });
}

/** The whole list, a line a file. */
export function logBadInput(problems: readonly BadInput[], log: StageLog): void {
  for (const { place, plot, found } of byPlace(problems)) {
    const kinds = [...new Set(found.map(({ kind }) => kind))].join(', ');
    log.warn(`not usable: ${place}: ${sentence(found)}`, { ...(plot === undefined ? {} : { plot }), kinds });
  }
}

interface BadPlace {
  readonly place: string;
  readonly plot: string | undefined;
  readonly found: readonly BadInput[];
}

function byPlace(problems: readonly BadInput[]): BadPlace[] {
  const places = new Map<string, BadInput[]>();
  for (const problem of sortBadInput(problems))
    places.set(problem.place, [...(places.get(problem.place) ?? []), problem]);
  return [...places].map(([place, found]) => ({ place, plot: found[0]?.plot, found }));
}

function sentence(found: readonly BadInput[]): string {
  return found.map(({ what }) => what).join('; ');
}

/** The sentence where it is short, as `is empty` is, else the kinds of fault. */
function words(found: readonly BadInput[]): string {
  const whole = sentence(found);
  if (whole.length <= shortSentence) return whole;
  return [...new Set(found.map(({ kind }) => kind.replaceAll('-', ' ')))].join(', ');
}

function fits(lines: readonly string[]): boolean {
  return lines.reduce((sum, line) => sum + line.length + 1, 0) <= longestMessage;
}

/** As many lines as fit, and how many do not. */
function counted(heading: string, lines: readonly string[]): string[] {
  const more = (left: number): string => `  and ${left} more; the worker's log has every one`;
  let room = longestMessage - heading.length - 1 - more(lines.length).length;
  const shown = lines.findIndex((line) => {
    room -= line.length + 1;
    return room < 0;
  });
  return [...lines.slice(0, shown), more(lines.length - shown)];
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
