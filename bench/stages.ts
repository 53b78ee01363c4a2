/**
 * What a stage costs: do-nothing stages through the real wrapper, on the embedded server, with a worker of its own process, beside
 * do-nothing activities of a plain worker on the same server; and what the nitrogen pipeline costs once it is finished.
 * `npm run bench:stages [-- --rounds N] [--json]`
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { productRoot } from '../lib/code/root.ts';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '7' }, json: { type: 'boolean', default: false } },
});
const rounds = Number(values.rounds);
const command = join(productRoot, 'bin/furrow.js');
const folder = mkdtempSync(join(tmpdir(), 'furrow-bench-'));
const env = { ...process.env, FURROW_HOME: join(folder, '.furrow') };

interface Shape {
  readonly name: string;
  readonly stages: number;
  /** What the file is called and, where it is not one of configs/, what is in it. */
  readonly file: string;
  readonly yaml?: string;
  /** For the command line. */
  readonly set?: readonly string[];
  /** Measured as they are: a cached run alone says nothing where the work is done first. */
  readonly cached: readonly boolean[];
  /** Milliseconds from the command to the result that the product promises, on an idle machine. */
  readonly limit: number;
  /** Whether the same is measured without Furrow. */
  readonly bare: boolean;
}

const shapes: readonly Shape[] = [
  { name: 'chain', stages: 6, file: 'chain.yaml', yaml: chain(6), cached: [false, true], limit: 500, bare: true },
  {
    name: 'fan-out',
    stages: 20,
    file: 'fan-out.yaml',
    yaml: fanOut(20),
    cached: [false, true],
    limit: 600,
    bare: true,
  },
  {
    name: 'nitrogen',
    stages: 7,
    file: 'configs/nitrogen.yaml',
    // Small, as the run that is timed computes nothing.
    set: ['data.source=synthetic:plots?train=24&test=8', 'features.size=[40, 26]', 'convnet.epochs=1'],
    cached: [true],
    limit: 2000,
    bare: false,
  },
];

try {
  const { address } = JSON.parse(furrow('up', '--detach', '--json')) as { address: string };
  const rows = shapes.flatMap((shape) => measure(shape, address));
  if (values.json) process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
  else print(rows);
} finally {
  furrow('down');
  rmSync(folder, { recursive: true, force: true });
}

interface Row {
  readonly shape: string;
  readonly stages: number;
  readonly by: 'furrow' | 'furrow, cached' | 'bare Temporal';
  /** Milliseconds by the server's clock, medians. */
  readonly perStage: number;
  /** Of the milliseconds a stage to those of bare Temporal; absent where those were not measured. */
  readonly toBare?: number;
  /** Milliseconds from the command to the result, medians. */
  readonly command?: number;
  readonly limit?: number;
  readonly overLimit?: boolean;
}

function measure(shape: Shape, address: string): Row[] {
  const { name, stages, file, yaml, set = [], limit } = shape;
  if (yaml) writeFileSync(join(folder, file), yaml);
  const common = { shape: name, stages };
  const bare = shape.bare ? median(bareTimes(shape, address)) / stages : undefined;
  const rows = shape.cached.map((cached): Row => {
    const args = ['run', file, ...set.flatMap((each) => ['--set', each]), ...(cached ? [] : ['--no-cache'])];
    furrow(...args);
    const timed = Array.from({ length: rounds }, () => timeRun(args));
    const perStage = median(timed.map(({ server }) => server)) / stages;
    const command = median(timed.map(({ wall }) => wall));
    return {
      ...common,
      by: cached ? 'furrow, cached' : 'furrow',
      perStage,
      ...(bare && { toBare: perStage / bare }),
      command,
      limit,
      overLimit: command > limit,
    };
  });
  return bare ? [{ ...common, by: 'bare Temporal', perStage: bare, toBare: 1 }, ...rows] : rows;
}

/** Milliseconds of each run, by the server's clock. */
function bareTimes({ name, stages }: Shape, address: string): number[] {
  const main = join(productRoot, 'dist/bench/bare/main.js');
  const args = [main, address, String(stages), name, String(rounds)];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as number[];
}

/** Wall time of the command, and the run's own time by the server's clock. */
function timeRun(args: readonly string[]): { wall: number; server: number } {
  const started = performance.now();
  furrow(...args);
  const wall = performance.now() - started;
  const [run] = JSON.parse(furrow('runs', '--json', '-n', '1')) as { seconds: number }[];
  return { wall, server: (run?.seconds ?? Number.NaN) * 1000 };
}

function furrow(...args: string[]): string {
  if (args[0] === 'down') return String(spawnSync(process.execPath, [command, ...args], { cwd: folder, env }).status);
  return execFileSync(process.execPath, [command, ...args], { cwd: folder, env, encoding: 'utf8' });
}

function chain(stages: number): string {
  const lines = Array.from({ length: stages }, (_, i) => `  s${i}: { uses: pass, needs: [${i ? `s${i - 1}` : ''}] }`);
  return `name: chain\nstages:\n${lines.join('\n')}\n`;
}

function fanOut(stages: number): string {
  const lines = Array.from({ length: stages }, (_, i) => `  s${i}: { uses: pass, with: { label: '${i}' } }`);
  return `name: fan-out\nstages:\n${lines.join('\n')}\n`;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function print(rows: readonly Row[]): void {
  const cells = [
    ['shape', 'stages', 'by', 'ms a stage', 'to bare', 'command to result', 'limit'],
    ...rows.map(({ shape, stages, by, perStage, toBare, command, limit, overLimit }) => [
      shape,
      String(stages),
      by,
      perStage.toFixed(1),
      toBare === undefined ? '' : `${toBare.toFixed(1)} x`,
      command === undefined ? '' : `${command.toFixed(0)} ms`,
      limit === undefined ? '' : `${limit} ms${overLimit ? '  OVER ITS LIMIT' : ''}`,
    ]),
  ];
  for (const row of cells)
    process.stdout.write(
      `${row
        .map((cell) => cell.padEnd(18))
        .join('')
        .trimEnd()}\n`,
    );
}
