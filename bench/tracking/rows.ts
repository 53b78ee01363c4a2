import { once } from 'node:events';
import { createWriteStream, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import type { StepRow } from '../../contract/runLog.ts';
import { startWandbServer, wandbKey } from '../../lib/tracking/testing/wandb/server.ts';
import type { TrackedRun } from '../../lib/tracking/trackedRun.ts';
import { startSender } from '../../lib/tracking/wandb/startSender.ts';
import { printTable } from '../table.ts';

export interface RowsResult {
  readonly logged: number;
  readonly arrived: number;
  readonly inOrder: boolean;
  readonly seconds: number;
  /** Of the sending process, MiB; undefined where the system does not tell. */
  readonly peakMemory: number | undefined;
  readonly requests: number;
}

/** Sends a long training's log to a server in this process. */
export async function measureRows(rows: number, say: (text: string) => void): Promise<RowsResult> {
  say(`${rows} rows`);
  const folder = mkdtempSync(join(tmpdir(), 'furrow-bench-'));
  const server = await startWandbServer();
  try {
    const file = join(folder, 'runlog.jsonl');
    await writeLog(file, rows);
    let peakMemory: number | undefined;
    const started = performance.now();
    let pid = 0;
    const sender = startSender({
      task: { run, rows: { file, format: 'runLog', grows: true }, images: [] },
      env: { PATH: process.env.PATH, HOME: folder, WANDB_API_KEY: wandbKey, WANDB_BASE_URL: server.url },
      onSpawn: (spawned) => {
        pid = spawned;
      },
      onTrouble: say,
    });
    const watch = setInterval(() => {
      peakMemory = peakOf(pid) ?? peakMemory;
    }, 200);
    await sender.end(true);
    const seconds = (performance.now() - started) / 1000;
    clearInterval(watch);
    const there = server.run(run.id).rows();
    const inOrder = there.every((row, index) => row._step === index + 1);
    return { logged: rows, arrived: there.length, inOrder, seconds, peakMemory, requests: server.requests.length };
  } finally {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

const run: TrackedRun = {
  ...{ id: 'long', name: 'long', project: 'bench', group: 'bench', jobType: 'train', tags: [], notes: '', config: {} },
  ...{ summary: {}, startedAt: new Date().toISOString(), state: 'finished' },
};

async function writeLog(file: string, rows: number): Promise<void> {
  const stream = createWriteStream(file);
  const start = Date.now();
  for (let step = 1; step <= rows; step++) {
    const row: StepRow = {
      ...{ kind: 'step', step, epoch: 1 + Math.floor(step / 1000), loss: 1 / step, mae: 100 / step },
      ...{ learning_rate: 0.001, images_per_second: 123.4, memory_mb: 1900, cpu_percent: 198 },
      time: new Date(start + step * 100).toISOString(),
    };
    if (!stream.write(`${JSON.stringify(row)}\n`)) await once(stream, 'drain');
  }
  stream.end();
  await finished(stream);
}

function peakOf(pid: number): number | undefined {
  try {
    const [, kilobytes] = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return kilobytes === undefined ? undefined : Number(kilobytes) / 1024;
  } catch {
    return undefined;
  }
}

export function printRows({ logged, arrived, inOrder, seconds, peakMemory, requests }: RowsResult): void {
  printTable([
    ['rows logged', 'at W&B', 'in order', 's', 'requests', "sender's peak MiB"],
    [
      ...[String(logged), String(arrived), inOrder ? 'yes' : 'NO', seconds.toFixed(1), String(requests)],
      peakMemory === undefined ? 'unknown' : peakMemory.toFixed(0),
    ],
  ]);
}
