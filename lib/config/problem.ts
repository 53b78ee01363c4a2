import type { ConfigPath, Place } from './tree.ts';

/** One thing that is wrong with a pipeline, and where. */
export interface Problem {
  /** The pipeline file, or `--set`. */
  readonly file: string;
  /** From 1; 0 for `--set`, which has no lines. */
  readonly line: number;
  /** From 1; 0 for `--set`. */
  readonly column: number;
  /** `stages.convnet.with.epochs`; empty for the file as a whole. */
  readonly path: string;
  /** What is wrong, with what was found. */
  readonly message: string;
  /** What would be right, where the message does not say it. */
  readonly expected?: string;
  /** What was probably meant. */
  readonly nearest?: string;
}

/** A problem as `explain` and the checks find it: before its place in a file is looked up. */
export interface Flaw {
  readonly path: ConfigPath;
  /** Whether the key is at fault or the value behind it. */
  readonly at: 'key' | 'value';
  readonly message: string;
  readonly expected?: string | undefined;
  readonly nearest?: string | undefined;
}

/** `pipeline.yaml:7:12 stages.convnet.with.epoch: Unknown key `epoch` (expected …; did you mean `epochs`?)` */
export function formatProblem(problem: Problem): string {
  const place = problem.line > 0 ? `${problem.file}:${problem.line}:${problem.column}` : problem.file;
  const hints = [
    ...(problem.expected === undefined ? [] : [`expected ${problem.expected}`]),
    ...(problem.nearest === undefined ? [] : [`did you mean \`${problem.nearest}\`?`]),
  ];
  const where = problem.path === '' ? place : `${place} ${problem.path}`;
  return `${where}: ${problem.message}${hints.length > 0 ? ` (${hints.join('; ')})` : ''}`;
}

export function problemAt(place: Place, path: ConfigPath, flaw: Omit<Flaw, 'path' | 'at'>): Problem {
  return {
    file: place.file,
    line: place.line,
    column: place.column,
    path: cut(path.join('.'), 200),
    message: cut(flaw.message, 400),
    ...(flaw.expected === undefined ? {} : { expected: cut(flaw.expected, 600) }),
    ...(flaw.nearest === undefined ? {} : { nearest: cut(flaw.nearest, 200) }),
  };
}

/** In the order in which a reader meets them, the file before `--set`; what aliases repeat is said once. */
export function inOrder(problems: readonly Problem[]): Problem[] {
  const seen = new Set<string>();
  return problems
    .toSorted((a, b) => Number(a.line === 0) - Number(b.line === 0) || a.line - b.line || a.column - b.column)
    .filter((problem) => {
      const identity =
        problem.line > 0 ? JSON.stringify([problem.line, problem.column, problem.message]) : formatProblem(problem);
      return !seen.has(identity) && seen.add(identity);
    });
}

/** `a`, `b` and `c`, each in backticks, cut when there are many. */
export function list(words: Iterable<string>, limit = 20): string {
  const all = [...words];
  const shown = all.slice(0, limit).map((word) => `\`${word}\``);
  return all.length > limit ? `${shown.join(', ')} and ${all.length - limit} more` : shown.join(', ');
}

/** The choices as an expectation; undefined when there are none to name. */
export function oneOf(words: Iterable<string>): string | undefined {
  const all = [...words];
  if (all.length === 0) return undefined;
  return all.length === 1 ? list(all) : `one of ${list(all)}`;
}

/** A file can hold names of any length; terminals, logs and histories cannot. */
function cut(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}
