/** Prints rows in columns as wide as they need. */
export function printTable(rows: readonly (readonly string[])[]): void {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  for (const row of rows) {
    const line = row.map((cell, column) => cell.padEnd((widths[column] ?? 0) + 2)).join('');
    process.stdout.write(`${line.trimEnd()}\n`);
  }
}
