/**
 * What a stage costs: do-nothing stages through the real wrapper, on the embedded server, with a worker of its own process.
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
  readonly yaml: string;
  /** Seconds from the command to the result that the product promises, on an idle machine. */
  readonly limit: number;
}

const shapes: readonly Shape[] = [
  { name: 'chain', stages: 6, yaml: chain(6), limit: 0.5 },
  { name: 'fan-out', stages: 20, yaml: fanOut(20), limit: 0.6 },
];

try {
  furrow('up', '--detach');
  const rows = shapes.flatMap((shape) => measure(shape));
  if (values.json) process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
  else print(rows);
} finally {
  furrow('down');
  rmSync(folder, { recursive: true, force: true });
}

interface Row {
  readonly shape: string;
  readonly stages: number;
  readonly cached: boolean;
  /** Milliseconds, medians. */
  readonly perStage: number;
  readonly command: number;
  readonly limit: number;
}

function measure(shape: Shape): Row[] {
  const file = join(folder, `${shape.name}.yaml`);
  writeFileSync(file, shape.yaml);
  return [false, true].map((cached) => {
    const flags = cached ? [] : ['--no-cache'];
    furrow('run', file, ...flags);
    const timed = Array.from({ length: rounds }, () => timeRun(file, flags));
    return {
      shape: shape.name,
      stages: shape.stages,
      cached,
      perStage: median(timed.map(({ server }) => server)) / shape.stages,
      command: median(timed.map(({ wall }) => wall)),
      limit: shape.limit * 1000,
    };
  });
}

/** Wall time of the command, and the run's own time by the server's clock. */
function timeRun(file: string, flags: readonly string[]): { wall: number; server: number } {
  const started = performance.now();
  furrow('run', file, ...flags);
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
    ['shape', 'stages', 'cached', 'ms a stage', 'command to result', 'limit'],
    ...rows.map((row) => [
      row.shape,
      String(row.stages),
      row.cached ? 'yes' : 'no',
      row.perStage.toFixed(1),
      `${row.command.toFixed(0)} ms`,
      `${row.limit} ms`,
    ]),
  ];
  for (const row of cells) process.stdout.write(`${row.map((cell) => cell.padEnd(18)).join('')}\n`);
}
