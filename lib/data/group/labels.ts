/** Reads plots' targets, splits and groups from a CSV file. */
import { FurrowError } from '../../../contract/errors.ts';
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
}

/** @throws FurrowError `DATA_BAD_INPUT` when the file is no CSV, or lacks a column: nothing can be read from it then */
export function readLabels(text: string, columns: LabelColumns): Labels {
  const [header, ...rows] = parse(text, columns.file);
  if (!header) throw new FurrowError('DATA_BAD_INPUT', `${columns.file} is empty; expected a header and a row a plot`);
  const column = (name: string): number => {
    const index = header.values.indexOf(name);
    if (index >= 0) return index;
    const meant = suggest(name, header.values);
    const known = header.values.join(', ').slice(0, 300);
    throw new FurrowError(
      'DATA_BAD_INPUT',
      `${columns.file} has no column \`${name}\`${meant ? `; did you mean \`${meant}\`?` : ''} It has: ${known}`,
      {
        details: { file: columns.file, column: name },
      },
    );
  };
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
  return { byPlot, problems };
}

function parse(text: string, file: string): ReturnType<typeof readCsv> {
  try {
    return readCsv(text);
  } catch (cause) {
    throw new FurrowError('DATA_BAD_INPUT', `${file} is no CSV file: ${(cause as Error).message}`, {
      details: { file },
      cause,
    });
  }
}
