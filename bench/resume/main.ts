/**
 * Whether a training that is killed again and again ends with the byte-identical model: the real child, real sizes, kills at random
 * moments. Ends with 1 on any difference. See docs/performance.md.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { openStore } from '../../lib/store/store.ts';
import { chosenOf } from '../chosenOf.ts';
import { writeSyntheticFeatures } from '../features.ts';
import { printTable } from '../table.ts';
import { networks, optimizerNames } from './combinations.ts';
import { type CombinationResult, runCombination } from './runCombination.ts';

/** 36 of them train, in three steps an epoch or five. */
const plots = 45;

const help = `npm run bench:resume [-- OPTIONS]

  --network NAMES      of ${networks.join(', ')} (default: all)
  --optimizer NAMES    of ${optimizerNames.join(', ')} (default: all)
  --kills N            SIGKILLs for each of them (default: 20)
  --quick              5 kills each
  --seed N             of the moments (default: 1)
  --json               results as JSON

Takes about 30 minutes on two idle cores, with --quick 10. Ends with 1 when any model differs from the undisturbed one.
`;

const { values } = parseArgs({
  options: {
    network: { type: 'string' },
    optimizer: { type: 'string' },
    kills: { type: 'string' },
    quick: { type: 'boolean', default: false },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) process.stdout.write(help);
else await main();

async function main(): Promise<void> {
  const chosenNetworks = chosenOf(values.network, networks, '--network');
  const chosenOptimizers = chosenOf(values.optimizer, optimizerNames, '--optimizer');
  const kills = Number(values.kills ?? (values.quick ? 5 : 20));
  const folder = mkdtempSync(join(tmpdir(), 'furrow-bench-'));
  const results: CombinationResult[] = [];
  try {
    const features = join(folder, 'features');
    await writeSyntheticFeatures(features, { plots, size: [160, 106] });
    const store = await openStore(pathToFileURL(join(folder, 'store')).href, { create: true });
    for (const network of chosenNetworks) {
      for (const optimizer of chosenOptimizers) {
        process.stderr.write(`${network}, ${optimizer}\n`);
        const seed = Number(values.seed);
        results.push(await runCombination({ network, optimizer, kills, seed, features, store, folder }));
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  if (values.json) process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
  else print(results);
  if (results.some(isDifferent)) process.exitCode = 1;
}

function print(results: readonly CombinationResult[]): void {
  printTable([
    ['network', 'optimizer', 'steps', 'undisturbed', 'kills', 'stops', 'models', 'identical', 'done again', 'in all'],
    ...results.map((result) => [
      result.network,
      result.optimizer,
      String(result.steps),
      seconds(result.undisturbedMs),
      String(result.kills),
      String(result.stops),
      String(result.models),
      isDifferent(result) ? `NO: ${result.differences.join(', ')}` : `${result.models} of ${result.models}`,
      `${result.repeatedSteps} steps, ${seconds(result.repeatedMs)}`,
      seconds(result.ms),
    ]),
  ]);
}

function isDifferent({ differences }: CombinationResult): boolean {
  return differences.length > 0;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
