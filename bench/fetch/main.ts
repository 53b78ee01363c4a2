/** What fetching from a bucket costs, beside `dvc pull`, in time and in memory. See docs/cloud-storage.md. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { dvcProgram } from '../../lib/data/source/dvc/testing.ts';
import { gcsProgram } from '../../lib/gcs/testing/startGcsServer.ts';
import { chosenOf } from '../chosenOf.ts';
import { printTable } from '../table.ts';
import { type LargeRow, measureMemory } from './large.ts';
import { compareSmall, objectBytes, objects, type SmallRow } from './small.ts';

const parts = ['small', 'memory'] as const;

const help = `npm run bench:fetch [-- OPTIONS]

  --part PARTS      of ${parts.join(', ')} (default: all)
  --rounds N        turns of each side, of ${objects} objects of ${objectBytes / 1000} KB (default: 5)
  --gibibytes N     to fetch for each row of memory (default: 5)
  --json            results as JSON

Needs the GCS server and the dvc that \`npm test\` installs, and for memory four times as much disk as is fetched. Takes about eight
minutes on two idle cores. Ends with 1 when a limit is not kept.
`;

const { values } = parseArgs({
  options: {
    part: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    gibibytes: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) process.stdout.write(help);
else await main();

async function main(): Promise<void> {
  if (!gcsProgram || !dvcProgram) {
    process.stderr.write('The GCS server or dvc is not there: `node setup/testServers.mjs` says why.\n');
    process.exitCode = 3;
    return;
  }
  const wanted: readonly string[] = chosenOf(values.part, parts, '--part');
  const folder = mkdtempSync(join(tmpdir(), 'furrow-bench-'));
  const results: { small?: SmallRow[]; memory?: LargeRow[] } = {};
  try {
    if (wanted.includes('small')) {
      results.small = await compareSmall(folder, Number(values.rounds));
      if (!values.json) printSmall(results.small);
    }
    if (wanted.includes('memory')) {
      results.memory = await measureMemory(folder, Number(values.gibibytes));
      if (!values.json) printMemory(results.memory);
    }
    if ([...(results.small ?? []), ...(results.memory ?? [])].some(({ overLimit }) => overLimit)) process.exitCode = 1;
    if (values.json) process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function printSmall(rows: readonly SmallRow[]): void {
  printTable([
    [`${objects} objects of ${objectBytes / 1000} KB`, 'ms', 'MB/s', 'to dvc pull', 'limit'],
    ...rows.map(({ by, ms, megabytesASecond, ratio, limit = '', overLimit }) => [
      by,
      `${ms.median.toFixed(0)} (${ms.least.toFixed(0)}-${ms.most.toFixed(0)})`,
      megabytesASecond.toFixed(0),
      ratio ? `${ratio.median.toFixed(1)} x (${ratio.least.toFixed(1)}-${ratio.most.toFixed(1)})` : '',
      overLimit ? `${limit}  NOT KEPT` : limit,
    ]),
  ]);
  process.stdout.write('\n');
}

function printMemory(rows: readonly LargeRow[]): void {
  printTable([
    ['fetched', 'MB', 's', 'MB/s', 'memory at its most', 'limit'],
    ...rows.map(({ fetched, megabytes, seconds, peak, limit, overLimit }) => [
      fetched,
      megabytes.toFixed(0),
      seconds.toFixed(1),
      (megabytes / seconds).toFixed(0),
      `${peak.toFixed(0)} MB`,
      `${limit} MB${overLimit ? '  NOT KEPT' : ''}`,
    ]),
  ]);
}
