/** One row a run, and what they come to. */
import { printTable } from '../table.ts';
import { endLimit } from './inflict.ts';
import { differences, faultsOf } from './judge.ts';
import { checkpointEvery, type Digests, models } from './pipeline.ts';
import type { RunResult } from './runDisturbed.ts';

/** Seconds from a worker being there to training going on: a lost worker is noticed within 20, a start takes the rest. */
const recoveryLimit = 25;

/** Seconds: the step and the checkpoint that are under way come on top. */
const repeatedLimit = checkpointEvery + 0.5;

export interface Summary {
  readonly runs: number;
  /** Runs all of whose models, and their evaluation, have the bytes of the undisturbed run. */
  readonly equal: number;
  readonly resumes: number;
  readonly finishedTwice: number;
  /** Seconds; each beside its limit. */
  readonly recovery: Measured;
  readonly repeated: Measured;
  /** Of processes that had not stored a checkpoint: their start is in it. */
  readonly repeatedSinceStart: Measured;
  readonly ending: Measured;
  readonly leftBehind: number;
  /** Which, with what is different in each run left out, and how many. */
  readonly emptyFolders: Readonly<Record<string, number>>;
  readonly wrong: number;
}

interface Measured {
  readonly count: number;
  readonly most: number;
  readonly limit?: number;
}

export function summarize(results: readonly RunResult[], reference: Digests): Summary {
  const all = <T>(of: (result: RunResult) => readonly T[]) => results.flatMap(of);
  const measured = (values: readonly number[], limit?: number): Measured => ({
    count: values.length,
    most: Math.max(0, ...values),
    ...(limit !== undefined && { limit }),
  });
  return {
    runs: results.length,
    equal: results.filter((result) => hasSameModels(result, reference)).length,
    resumes: results.reduce((sum, { resumes }) => sum + resumes, 0),
    finishedTwice: all(({ finishedTwice }) => finishedTwice).length,
    recovery: measured(
      all(({ recoveries }) => recoveries),
      recoveryLimit,
    ),
    repeated: measured(
      all(({ repeated }) => lost(repeated, false)),
      repeatedLimit,
    ),
    repeatedSinceStart: measured(all(({ repeated }) => lost(repeated, true))),
    ending: measured(
      all(({ endings }) => endings),
      endLimit,
    ),
    leftBehind: all(({ left }) => [left.processes, left.temporary, left.halfWritten, left.openRuns].flat()).length,
    emptyFolders: counted(all(({ left }) => left.emptyFolders.map((path) => path.replace(/[0-9a-f]{8,}/g, 'HEX')))),
    wrong: results.filter((result) => faultsOf(result, reference).length > 0).length,
  };
}

export function printRows(results: readonly RunResult[], reference: Digests): void {
  const head = [
    'run',
    'seconds',
    'resumes',
    'twice',
    'done again',
    'at most',
    'goes on in',
    'models',
    'left',
    'faults',
  ];
  printTable([head, ...results.map((result, index) => row(result, index + 1, reference))]);
  for (const [index, result] of results.entries())
    for (const wrong of faultsOf(result, reference)) process.stdout.write(`run ${index + 1}: ${wrong}\n`);
}

function row(result: RunResult, run: number, reference: Digests): string[] {
  const { faults, seconds, resumes, finishedTwice, repeated, recoveries, left } = result;
  const differing = differences(result, reference);
  const leftOver = [left.processes, left.temporary, left.halfWritten, left.openRuns].flat().length;
  return [
    String(run),
    secondsText(seconds),
    String(resumes),
    String(finishedTwice.length),
    secondsText(repeated.reduce((sum, each) => sum + each.seconds, 0)),
    secondsText(Math.max(0, ...repeated.map((each) => each.seconds))),
    secondsText(Math.max(0, ...recoveries)),
    result.digests === undefined ? 'NONE' : differing.length === 0 ? 'equal' : `NOT: ${differing.join(', ')}`,
    leftOver === 0 ? 'nothing' : `${leftOver} THINGS`,
    faults.map(({ kind, at }) => `${kind} ${at === undefined ? '(over before)' : secondsText(at)}`).join(', '),
  ];
}

export function printSummary(summary: Summary): void {
  const {
    runs,
    equal,
    resumes,
    finishedTwice,
    recovery,
    repeated,
    repeatedSinceStart,
    ending,
    leftBehind,
    emptyFolders,
  } = summary;
  process.stdout.write(`\n${equal} of ${runs} digests equal (${models.join(', ')})\n`);
  printTable([
    ['', 'most', 'limit', 'times'],
    ['a worker is there, and training goes on', ...measuredCells(recovery)],
    ['work done again after a kill, since the newest checkpoint', ...measuredCells(repeated)],
    ['the same, where none was stored yet (with the start of the process)', ...measuredCells(repeatedSinceStart)],
    ['a worker ends when told to', ...measuredCells(ending)],
  ]);
  process.stdout.write(
    `${resumes} resumes; ${finishedTwice} stages finished twice; ${leftBehind} things left behind\n`,
  );
  for (const [path, count] of Object.entries(emptyFolders))
    process.stdout.write(`empty folders: ${count} times ${path}\n`);
}

function measuredCells({ most, limit, count }: Measured): string[] {
  const limitText = limit === undefined ? '' : `${limit} s${most > limit ? '  OVER ITS LIMIT' : ''}`;
  return [secondsText(most), limitText, String(count)];
}

function lost(repeated: RunResult['repeated'], sinceStart: boolean): number[] {
  return repeated.filter((each) => each.sinceStart === sinceStart).map(({ seconds }) => seconds);
}

function counted(all: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const each of all) counts[each] = (counts[each] ?? 0) + 1;
  return counts;
}

function hasSameModels({ digests }: RunResult, reference: Digests): boolean {
  return models.every((stage) => digests !== undefined && digests[stage] === reference[stage]);
}

function secondsText(count: number): string {
  return `${count.toFixed(1)} s`;
}
