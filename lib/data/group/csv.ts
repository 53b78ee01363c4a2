/** Comma-separated values (RFC 4180), as spreadsheets write them: quotes, CRLF, a byte order mark, a missing last newline. */

export interface CsvRow {
  /** The line it begins at, from 1. */
  readonly line: number;
  readonly values: readonly string[];
}

/** Empty lines are left out. Values are trimmed unless they are quoted. @throws SyntaxError for a quote that is not closed */
export function readCsv(text: string): CsvRow[] {
  const rows: CsvRow[] = [];
  let values: string[] = [];
  let line = 1;
  let begun = 1;
  const field = /[ \t]*(?:"((?:[^"]|"")*)"[ \t]*|([^,\r\n]*))(,|\r\n|\r|\n|$)/gy;
  field.lastIndex = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  while (field.lastIndex < text.length || values.length > 0) {
    const found = field.exec(text);
    if (!found) throw new SyntaxError(`Line ${line} has a quote that is not closed, or text behind one`);
    const [, quoted, plain, end] = found;
    if (quoted === undefined && plain?.startsWith('"'))
      throw new SyntaxError(`Line ${line} has a quote that is not closed, or text behind one`);
    values.push(quoted === undefined ? (plain ?? '').trim() : quoted.replaceAll('""', '"'));
    line += (quoted?.match(/\r\n|\r|\n/g) ?? []).length;
    if (end === ',') continue;
    if (values.length > 1 || values[0] !== '') rows.push({ line: begun, values });
    values = [];
    line++;
    begun = line;
  }
  return rows;
}
