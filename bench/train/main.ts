/**
 * What training costs, beside PyTorch on the same cores: images per second, share of what the machine can do, memory and its
 * growth, the start, and checkpoints. See docs/performance.md.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chosenOf } from '../chosenOf.ts';
import { agrees, compareLosses } from './agreement.ts';
import { networks, ourProgram } from './cases.ts';
import { measureCheckpoints } from './checkpoints.ts';
import { measureGrowth } from './growth.ts';
import { PeakMeter } from './peak.ts';
import { type MeasuredNetwork, print, type Results } from './print.ts';
import { findPython, howToCompare, installTorch, torchProgram } from './python.ts';
import { compareSpeed } from './speed.ts';
import { measureStarts } from './start.ts';

const parts = ['speed', 'growth', 'start', 'checkpoints'] as const;
type Part = (typeof parts)[number];

const help = `npm run bench:train [-- OPTIONS]

  --network NAMES    of ${networks.join(', ')} (default: all)
  --part PARTS       of ${parts.join(', ')} (default: all)
  --rounds N         turns of each side (default: 6)
  --seconds N        of the training whose checkpoints are measured (default: 70)
  --python PATH      a Python with PyTorch (default: FURROW_BENCH_PYTHON, else what --install-torch made)
  --install-torch    make an environment with PyTorch in ~/.cache/furrow/bench-torch first
  --json             results as JSON

Takes about fifteen minutes on two idle cores, nearly all of them for PyTorch's variants and for checkpoints. Ends with 1
when both sides do not compute the same.
`;

const { values } = parseArgs({
  options: {
    network: { type: 'string' },
    part: { type: 'string' },
    rounds: { type: 'string', default: '6' },
    seconds: { type: 'string', default: '70' },
    python: { type: 'string' },
    'install-torch': { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) process.stdout.write(help);
else await main();

async function main(): Promise<void> {
  const chosen = chosenOf(values.network, networks, '--network');
  const wanted: readonly string[] = chosenOf(values.part, parts, '--part');
  const isWanted = (part: Part) => wanted.includes(part);
  const rounds = Number(values.rounds);
  if (values['install-torch']) installTorch();
  const python = findPython(values.python);
  const folder = mkdtempSync(join(tmpdir(), 'furrow-bench-'));
  // The largest state of all, where it is there.
  const heaviest = chosen.includes('vit') ? 'vit' : (chosen[0] as string);
  const quick = chosen.find((name) => name === 'vit' || name === 'pooled-cnn');
  const results: { -readonly [K in keyof Results]: Results[K] } = { networks: [] };
  /** Printed as it comes: all of it takes long. */
  const show = (part: Results) => {
    if (!values.json) print(part);
  };
  if (!python) process.stderr.write(`${howToCompare}\n`);
  try {
    if (isWanted('speed')) {
      for await (const measured of measureNetworks(chosen, { folder, python, rounds })) {
        results.networks?.push(measured);
        show({ networks: [measured] });
        if (measured.agreement && !agrees(measured.agreement)) process.exitCode = 1;
      }
    }
    if (isWanted('growth') && quick) {
      say(`1,000 steps of ${quick}`);
      results.growth = { network: quick, points: await measureGrowth(quick, join(folder, 'growth')) };
      show({ growth: results.growth });
    }
    if (isWanted('start')) {
      say('starts');
      results.starts = await measureStarts(folder, 5);
      show({ starts: results.starts });
    }
    if (isWanted('checkpoints')) {
      say(`checkpoints of ${heaviest}`);
      results.checkpoints = await measureCheckpoints(heaviest, { folder, seconds: Number(values.seconds), times: 2 });
      show({ checkpoints: results.checkpoints });
    }
    if (values.json) process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function* measureNetworks(
  chosen: readonly string[],
  { folder, python, rounds }: { folder: string; python: string | undefined; rounds: number },
): AsyncGenerator<MeasuredNetwork> {
  const meter = new PeakMeter(ourProgram(), python ? torchProgram(python) : undefined);
  try {
    await meter.measure();
    for (const network of chosen) {
      say(network);
      const agreement = python && (await compareLosses(network, { folder: join(folder, 'agreement'), python }));
      const speed = await compareSpeed(network, { folder: join(folder, 'speed'), python, rounds });
      yield { speed, peak: await meter.measure(), ...(agreement && { agreement }) };
    }
  } finally {
    await meter.close();
  }
}

/** To standard error, so that `--json` stays JSON. */
function say(what: string): void {
  process.stderr.write(`measuring ${what}\n`);
}
