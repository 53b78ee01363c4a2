/**
 * Whether the nitrogen pipeline ends as it would undisturbed, whatever is done to it: its worker, its training, its server, its
 * store, its clock and its line, at random moments, several a run. Ends with 1 on any difference, and when anything is left behind.
 */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { testFurrow } from '../../test/harness/furrow.ts';
import { installProduct } from '../../test/harness/product.ts';
import { chosenOf } from '../chosenOf.ts';
import { faultsOf } from './judge.ts';
import { impossibleKinds, type Kind, kindNames, kinds } from './kinds.ts';
import type { Digests } from './pipeline.ts';
import { planRuns } from './plan.ts';
import { printRows, printSummary, summarize } from './print.ts';
import { type RunResult, runDisturbed } from './runDisturbed.ts';
import type { Keys } from './trainings.ts';

const help = `npm run bench:faults [-- OPTIONS]

  --runs N       that are disturbed, two to four times each (default: 20)
  --only FAULTS  of those below, separated by commas (default: all)
  --seed N       of the faults and their moments (default: 1)
  --logs FOLDER  keeps the workers' logs of every run there; otherwise those of a run that went wrong are kept, and named
  --json         results as JSON

Faults:
${kindNames.map((name) => `  ${name.padEnd(15)}${kinds[name]}`).join('\n')}

Takes about 50 seconds a run on two idle cores, 20 minutes in all. Ends with 1 when any output differs from that
of the undisturbed run, a run does not finish, or anything is left behind.
`;

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '20' },
    only: { type: 'string' },
    seed: { type: 'string', default: '1' },
    logs: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

let logs: string | undefined;

if (values.help) process.stdout.write(help);
else await main();

async function main(): Promise<void> {
  const runs = Number(values.runs);
  if (!Number.isInteger(runs) || runs < 1)
    throw new Error(`Expected --runs to be a number from 1 up, got ${values.runs}`);
  const chosen = chosenOf(values.only, kindNames, '--only');
  const impossible = impossibleKinds();
  const leftOut = chosen.filter((kind) => impossible.has(kind));
  for (const kind of leftOut) say(`left out: ${kind}: ${impossible.get(kind)}`);
  const possible = chosen.filter((kind) => !impossible.has(kind));
  if (possible.length === 0) throw new Error('None of these faults is possible here');

  const furrow = await testFurrow();
  try {
    const product = installProduct(furrow.folder);
    say('undisturbed');
    const undisturbed = await runDisturbed({ furrow, product, name: 'undisturbed', plan: [], keys: {} });
    const reference = undisturbed.digests;
    const failed = faultsOf(undisturbed, reference ?? {});
    if (!reference || failed.length > 0) throw new Error(`Undisturbed: ${failed.join('\n')}\n${undisturbed.log}`);

    const results: RunResult[] = [];
    for (const [index, plan] of planRuns({ seed: Number(values.seed), runs, kinds: possible }).entries()) {
      say(`run ${index + 1}: ${plan.map(({ kind }) => kind).join(', ')}`);
      const name = `run-${index + 1}`;
      const result = await runDisturbed({ furrow, product, name, plan, keys: undisturbed.keys as Keys });
      const wrong = faultsOf(result, reference);
      for (const each of wrong) say(each);
      if (wrong.length > 0 || values.logs !== undefined) say(`its workers' log: ${keepLog(name, result.log)}`);
      results.push(result);
    }
    report({ undisturbed, results, reference, leftOut: leftOut.map((kind) => ({ kind, why: impossible.get(kind) })) });
  } finally {
    // Replays every run.
    await furrow.close();
  }
}

interface Outcome {
  readonly undisturbed: RunResult;
  readonly results: readonly RunResult[];
  readonly reference: Digests;
  readonly leftOut: readonly { readonly kind: Kind; readonly why: string | undefined }[];
}

function report({ undisturbed, results, reference, leftOut }: Outcome): void {
  const summary = summarize(results, reference);
  if (values.json) {
    const rows = results.map(({ log: _, ...row }) => ({ ...row, wrong: faultsOf({ ...row, log: '' }, reference) }));
    const undisturbedSeconds = undisturbed.seconds;
    process.stdout.write(`${JSON.stringify({ reference, undisturbedSeconds, rows, leftOut, summary }, null, 2)}\n`);
  } else {
    printRows(results, reference);
    printSummary(summary);
    process.stdout.write(`undisturbed: ${undisturbed.seconds.toFixed(1)} s\n`);
    for (const { kind, why } of leftOut) process.stdout.write(`left out: ${kind}: ${why}\n`);
  }
  if (summary.wrong > 0) process.exitCode = 1;
}

/** Kept, for whoever looks for the reason. */
function keepLog(name: string, log: string): string {
  logs ??= values.logs ?? mkdtempSync(join(tmpdir(), 'furrow-faults-'));
  mkdirSync(logs, { recursive: true });
  const file = join(logs, `${name}.log`);
  writeFileSync(file, log);
  return file;
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
