/**
 * What tracking costs: the same training untracked, tracked, and with W&B out of reach or silent, side by side; and how a hundred
 * thousand rows arrive.
 */
import { parseArgs } from 'node:util';
import { testFurrow } from '../../test/harness/furrow.ts';
import { chosenOf } from '../chosenOf.ts';
import { measureRows, printRows, type RowsResult } from './rows.ts';
import { measureTrainings, printTrainings, type TrainingsResult } from './trainings.ts';

const parts = ['training', 'rows'] as const;

const help = `npm run bench:tracking [-- OPTIONS]

  --part PARTS   of ${parts.join(', ')}, separated by commas (default: all)
  --rounds N     of trainings, each round all four ways (default: 5)
  --epochs N     of each training (default: 80; some 35 s on two cores)
  --rows N       of the long run (default: 100000)
  --json         results as JSON

Takes a quarter of an hour on two idle cores.
`;

const { values } = parseArgs({
  options: {
    part: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    epochs: { type: 'string', default: '80' },
    rows: { type: 'string', default: '100000' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) process.stdout.write(help);
else await main();

async function main(): Promise<void> {
  const chosen = chosenOf(values.part, parts, '--part');
  let trainings: TrainingsResult | undefined;
  let rows: RowsResult | undefined;
  if (chosen.includes('rows')) rows = await measureRows(Number(values.rows), say);
  if (chosen.includes('training')) {
    const furrow = await testFurrow();
    try {
      trainings = await measureTrainings(furrow, { rounds: Number(values.rounds), epochs: Number(values.epochs), say });
    } finally {
      await furrow.close();
    }
  }
  if (values.json) process.stdout.write(`${JSON.stringify({ trainings, rows }, null, 2)}\n`);
  if (!values.json && trainings) printTrainings(trainings);
  if (!values.json && rows) printRows(rows);
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
