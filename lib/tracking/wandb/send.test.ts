import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { atRandom, type FaultKind, faultKinds, firstOnes } from '../testing/wandb/faults.ts';
import { startWandbServer, type WandbServer, wandbKey } from '../testing/wandb/server.ts';
import type { TrackedRun } from '../trackedRun.ts';
import { NotSent, sendOnce, startSender } from './startSender.ts';
import { pngOf } from './testing/png.ts';

const run: TrackedRun = {
  id: 'run1abc',
  name: 'nitrogen-1/convnet',
  project: 'nitrogen',
  group: 'nitrogen',
  jobType: 'train',
  tags: ['furrow', 'convnet2d'],
  notes: 'Temporal: http://127.0.0.1:8233/…',
  config: { epochs: 20, optimizer: { sgd: { lr: 0.001 } } },
  summary: { 'val/mae': 12.5 },
  commit: '0123456789abcdef0123456789abcdef01234567',
  startedAt: '2026-01-01T00:00:00.000Z',
  state: 'finished',
};

/** Fast, so that a test of faults takes seconds: the product waits longer. */
const waits = { firstWaitMs: 20, longestWaitMs: 200, tryMs: 2500 };

let server: WandbServer;
let folder: string;
let env: NodeJS.ProcessEnv;

beforeEach(async () => {
  server = await startWandbServer();
  folder = await mkdtemp(join(tmpdir(), 'furrow-send-'));
  env = { PATH: process.env.PATH, HOME: folder, WANDB_API_KEY: wandbKey, WANDB_BASE_URL: server.url };
});

afterEach(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

function logLines(steps: number): string {
  const rows = Array.from({ length: steps }, (_, index) => ({
    ...{ kind: 'step', step: index + 1, epoch: 1 + Math.floor(index / 10), loss: 1 / (index + 1), mae: 50 - index },
    ...{ learning_rate: 0.001, images_per_second: 100, memory_mb: 500 },
    time: new Date(Date.UTC(2026, 0, 1) + index * 1000).toISOString(),
  }));
  const epochs = rows
    .filter(({ step }) => step % 10 === 0)
    .map((row) => ({ ...row, kind: 'epoch', val_mae: 100 / row.step, best: true, seconds: 10 }));
  const start = { kind: 'start', step: 0, plots: 160, network: 'convnet2d', time: rows[0]?.time };
  const all = [...rows, ...epochs].sort((a, b) => a.step - b.step || (a.kind === 'step' ? -1 : 1));
  return [start, ...all].map((row) => `${JSON.stringify(row)}\n`).join('');
}

async function send(options: { steps?: number; task?: Partial<TrackedRun>; patienceMs?: number } = {}) {
  const file = join(folder, 'runlog.jsonl');
  await writeFile(file, logLines(options.steps ?? 25));
  const rows = { file, format: 'runLog', grows: false } as const;
  const picture = join(folder, 'residuals.png');
  await writeFile(picture, pngOf(30, 20));
  const images = [{ key: 'evaluate/residuals', step: 25, file: picture, caption: 'residuals' }];
  const task = { run: { ...run, ...options.task }, rows, images, waits };
  return sendOnce(task, { signal: new AbortController().signal, patienceMs: options.patienceMs ?? 40_000, env });
}

describe('sending a finished run', () => {
  it('leaves every row, what explains it, and its end with W&B', async () => {
    const sent = await send();
    expect(sent).toEqual({ rows: 25, address: `${server.url}/field-lab/nitrogen/runs/run1abc` });
    const there = server.run('run1abc');
    expect(there.rows().map((row) => row._step)).toEqual(Array.from({ length: 25 }, (_, index) => index + 1));
    expect(there.rows()[9]).toMatchObject({ 'train/loss': 0.1, 'val/mae': 10, epoch: 1, _runtime: 9 });
    expect(there.rows()[9]?._timestamp).toBe(Date.UTC(2026, 0, 1) / 1000 + 9);
    expect(there).toMatchObject({ state: 'finished', exitCode: 0, project: 'nitrogen', entity: 'field-lab' });
    expect(there.config).toEqual(run.config);
    expect(there.upserted).toMatchObject({
      ...{ displayName: run.name, groupName: 'nitrogen', jobType: 'train', notes: run.notes, commit: run.commit },
      tags: run.tags,
    });
    expect(there.summary).toMatchObject({ 'val/mae': 12.5, 'best/val_mae': 5, 'best/val_mae_step': 20 });
    expect(server.violations).toEqual([]);
  });

  it.each(faultKinds)('ends with the same rows after: %s', async (fault: FaultKind) => {
    server.faults = firstOnes(fault, fault === 'hang' ? 1 : 2);
    await send();
    expect(server.run('run1abc').rows()).toHaveLength(25);
    expect(server.run('run1abc').rows()[24]?.['evaluate/residuals']).toMatchObject({ width: 30, height: 20 });
    expect(server.run('run1abc').files.size).toBe(1);
    expect(server.run('run1abc').exitCode).toBe(0);
    expect(server.violations).toEqual([]);
    expect(server.requests.filter((request) => request.fault === fault).length).toBeGreaterThan(3);
  });

  it('ends with the same rows where half of all requests go wrong, in every way', async () => {
    server.faults = atRandom(
      faultKinds.filter((kind) => kind !== 'hang'),
      0.5,
      7,
    );
    await send({ steps: 300 });
    expect(server.run('run1abc').rows()).toHaveLength(300);
    expect(server.violations).toEqual([]);
  });

  it('sends a run that is there whole not again', async () => {
    await send();
    const requests = server.requests.length;
    await send();
    expect(server.requests.slice(requests).map(({ kind }) => kind)).toEqual(['viewer', 'query']);
  });

  it.each([
    ['failed', 1],
    ['cancelled', 255],
  ] as const)('says that it %s', async (state, exitCode) => {
    await send({ task: { state } });
    expect(server.run('run1abc').exitCode).toBe(exitCode);
  });

  it('says nothing of the end of a run that crashed: W&B then counts it as crashed', async () => {
    await send({ task: { state: 'crashed' } });
    expect(server.run('run1abc')).toMatchObject({ state: 'running', exitCode: undefined });
    expect(server.run('run1abc').rows()).toHaveLength(25);
  });

  it('gives up where nothing is taken for too long, and says why without the key', async () => {
    server.faults = firstOnes('unauthorized', 1000);
    const error = await send({ patienceMs: 1500 }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(NotSent);
    expect(error).toMatchObject({ refused: true, message: 'W&B refuses the API key (401)' });
  });
});

describe('following a run that goes on', () => {
  const live = (file: string) =>
    startSender({
      task: { run: { ...run, state: 'running' }, rows: { file, format: 'runLog', grows: true }, images: [], waits },
      env,
    });

  async function until(isSo: () => boolean, seconds = 20): Promise<void> {
    for (const end = Date.now() + seconds * 1000; !isSo(); await sleep(20)) {
      if (Date.now() > end) throw new Error('Expected it within the time');
    }
  }

  it('sends each row as it is logged, but the last one, to which there may be more', async () => {
    const file = join(folder, 'growing.jsonl');
    const lines = logLines(30).split(/(?<=\n)/);
    await writeFile(file, lines.slice(0, 10).join(''));
    const sender = live(file);
    try {
      await until(() => server.runs[0]?.rows().length === 8);
      // A line that is being written.
      await appendFile(file, (lines[10] as string).slice(0, 20));
      await appendFile(file, (lines[10] as string).slice(20) + lines.slice(11).join(''));
      await sender.end(true);
      expect(server.run('run1abc').rows()).toHaveLength(30);
      expect(server.run('run1abc').rows()[29]).toHaveProperty('val/mae');
      expect(server.run('run1abc').state).toBe('running');
      expect(server.violations).toEqual([]);
    } finally {
      sender.kill();
    }
  });

  it('goes on after W&B was away at the start, and says once why it waits', async () => {
    const file = join(folder, 'growing.jsonl');
    await writeFile(file, logLines(30));
    await server.goAway();
    const said: string[] = [];
    const sender = startSender({
      task: { run, rows: { file, format: 'runLog', grows: true }, images: [], waits },
      env,
      onTrouble: (message) => said.push(message),
    });
    try {
      await until(() => sender.trouble !== undefined);
      await server.comeBack();
      await sender.end(true);
      expect(server.run('run1abc').rows()).toHaveLength(30);
      expect(said).toEqual(['W&B cannot be reached (ECONNREFUSED)']);
    } finally {
      sender.kill();
    }
  });

  it('has every row once, however often its process is killed', async () => {
    const file = join(folder, 'growing.jsonl');
    const lines = logLines(400).split(/(?<=\n)/);
    await writeFile(file, '');
    const pids: number[] = [];
    const sender = startSender({
      task: { run, rows: { file, format: 'runLog', grows: true }, images: [], waits },
      env,
      onSpawn: (pid) => pids.push(pid),
    });
    try {
      for (let kill = 0; kill < 3; kill++) {
        const before = server.runs[0]?.rows().length ?? 0;
        await appendFile(file, lines.splice(0, 100).join(''));
        await until(() => (server.runs[0]?.rows().length ?? 0) > before);
        process.kill(pids.at(-1) as number, 'SIGKILL');
        await until(() => pids.length === kill + 2);
      }
      await appendFile(file, lines.join(''));
      await sender.end(true);
      expect(server.run('run1abc').rows()).toHaveLength(400);
      expect(server.violations).toEqual([]);
    } finally {
      sender.kill();
    }
  });
});
