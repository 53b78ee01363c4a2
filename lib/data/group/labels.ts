/** Reads plots' targets, splits and groups from a CSV file. */
import type { Split } from '../../../contract/features.ts';
import { suggest } from '../../../contract/suggest.ts';
import type { BadInput } from './badInput.ts';
import { readCsv } from './csv.ts';
import { splitOf } from './pattern.ts';

export interface LabelColumns {
  readonly file: string;
  readonly plot: string;
  readonly target: string;
  readonly split?: string | undefined;
  readonly group?: string | undefined;
}

export interface Label {
  readonly target: number;
  readonly split: Split | undefined;
  readonly group: string | undefined;
  readonly line: number;
}

export interface Labels {
  readonly byPlot: ReadonlyMap<string, Label>;
  readonly problems: readonly BadInput[];
  /** The file is absent, no CSV, or lacks a column: nothing can be said of any plot, and no plot be dropped for it. */
  readonly unusable: boolean;
}

/** @param text undefined: the source has no such file */
export function readLabels(text: string | undefined, columns: LabelColumns): Labels {
  if (text === undefined)
    return unusable(columns, ["is not in the source; expected a CSV file with the plots' labels"]);
  let parsed: ReturnType<typeof readCsv>;
  try {
    parsed = readCsv(text);
  } catch (cause) {
    return unusable(columns, [`is no CSV file: ${(cause as Error).message}`]);
  }
  const [header, ...rows] = parsed;
  if (!header) return unusable(columns, ['is empty; expected a header and a row a plot']);
  const missing = [columns.plot, columns.target, columns.split, columns.group].filter(
    (name) => name !== undefined && !header.values.includes(name),
  ) as string[];
  if (missing.length > 0)
    return unusable(
      columns,
      missing.map((name) => missingColumn(name, header.values)),
    );
  const column = (name: string): number => header.values.indexOf(name);
  const at = {
    plot: column(columns.plot),
    target: column(columns.target),
    split: columns.split === undefined ? undefined : column(columns.split),
    group: columns.group === undefined ? undefined : column(columns.group),
  };

  const byPlot = new Map<string, Label>();
  const spoilt = new Set<string>();
  const problems: BadInput[] = [];
  for (const { line, values } of rows) {
    const plot = values[at.plot] ?? '';
    const place = `${columns.file} line ${line}`;
    const flaw = (what: string): void => {
      spoilt.add(plot);
      problems.push({ kind: 'bad-label', place, what, ...(plot === '' ? {} : { plot }) });
    };
    const written = values[at.target] ?? '';
    const target = written === '' ? Number.NaN : Number(written);
    const split = at.split === undefined ? undefined : splitOf(values[at.split]);
    const group = at.group === undefined ? undefined : values[at.group];
    const earlier = byPlot.get(plot);
    if (values.length !== header.values.length)
      flaw(`has ${values.length} values, the header has ${header.values.length}`);
    else if (plot === '') flaw('names no plot');
    else if (!Number.isFinite(target)) flaw(`has the target \`${written.slice(0, 40)}\`, expected a number`);
    else if (at.split !== undefined && !split)
      flaw(`has the split \`${values[at.split]?.slice(0, 40)}\`, expected train, validation or test`);
    else if (at.group !== undefined && !group) flaw('names no group');
    else if (earlier) flaw(`labels ${plot} again, after line ${earlier.line}`);
    else byPlot.set(plot, { target, split, group: group || undefined, line });
  }
  for (const plot of spoilt) byPlot.delete(plot);
  return { byPlot, problems, unusable: false };
}

function unusable({ file }: LabelColumns, faults: readonly string[]): Labels {
  const problems = faults.map((what): BadInput => ({ kind: 'bad-labels', place: file, what }));
  return { byPlot: new Map(), problems, unusable: true };
}

function missingColumn(name: string, known: readonly string[]): string {
  const meant = suggest(name, known);
  return `has no column \`${name}\`${meant ? `; did you mean \`${meant}\`?` : ''} It has: ${known.join(', ').slice(0, 300)}`;
}
