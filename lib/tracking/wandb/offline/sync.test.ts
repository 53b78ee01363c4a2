/** What W&B has of an offline run after the official client's `wandb sync`. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { firstOnes, noFaults } from '../../testing/wandb/faults.ts';
import { startWandbServer, type WandbServer, wandbKey } from '../../testing/wandb/server.ts';
import type { HistoryRow, TrackedImage } from '../../trackedRun.ts';
import { imageValue } from '../imageValue.ts';
import { pngOf } from '../testing/png.ts';
import { wandb, wandbProgram, wandbPython } from '../testing/pythonClient.ts';
import { row, rowsOf, run } from './testing/sampleRun.ts';
import { type OfflineRun, writeOfflineRun } from './writeOfflineRun.ts';

let server: WandbServer;
let folder: string;
beforeEach(async () => {
  server = await startWandbServer();
  folder = await mkdtemp(join(tmpdir(), 'furrow-wandb-'));
});
afterEach(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

const write = (given: Partial<OfflineRun> = {}) =>
  writeOfflineRun({ folder: join(folder, 'wandb'), run, rows: rowsOf(...rowsUpTo(300)), images: [], ...given });

/** Rejects where the client's exit code is not 0. */
const sync = (at: string, { args = [], env = {} }: { args?: readonly string[]; env?: NodeJS.ProcessEnv } = {}) =>
  wandb(['sync', ...args, at], { WANDB_API_KEY: wandbKey, WANDB_BASE_URL: server.url, ...env });

const syncedMark = (at: string) => join(at, `run-${run.id}.wandb.synced`);
const isMarked = async (at: string) => (await readdir(at)).includes(`run-${run.id}.wandb.synced`);
const stored = () => server.run(run.id);
const steps = () =>
  stored()
    .rows()
    .map(({ _step }) => _step);
const stepsUpTo = (count: number) => Array.from({ length: count }, (_, step) => step);

function rowsUpTo(count: number): HistoryRow[] {
  return stepsUpTo(count).map((step) =>
    row(step, { 'train/mae': 300 / (step + 1), text: 'Gülle "5 m³"', of: { big: 1e300 } }),
  );
}

async function imageOf(step: number): Promise<TrackedImage> {
  const file = join(folder, `figure-${step}.png`);
  await writeFile(file, pngOf(20, 10, step));
  return { key: 'val/predictions', step, file, caption: 'Ertrag 🌾' };
}

describe.skipIf(!wandbProgram)('wandb sync', () => {
  it.each([
    ['plain', false],
    ['packed', true],
  ])('brings over a run whole, in requests that are %s', async (_, gzip) => {
    await server.close();
    server = await startWandbServer({ gzip });
    const images = [await imageOf(100), await imageOf(299)];
    const at = await write({ images });
    await sync(at, { env: { WANDB__FILE_STREAM_NO_GZIP: String(!gzip) } });

    expect(server.violations).toEqual([]);
    expect(server.requests.some((request) => request.gzip)).toBe(gzip);
    const [first, second] = await Promise.all(images.map(imageValue));
    const rows = rowsUpTo(300);
    rows[100] = { ...(rows[100] ?? row(100)), 'val/predictions': first?.value ?? null };
    rows[299] = { ...(rows[299] ?? row(299)), 'val/predictions': second?.value ?? null };
    expect(stored().rows()).toEqual(rows);
    expect(stored()).toMatchObject({ state: 'finished', exitCode: 0, entity: run.entity, project: run.project });
    const { _wandb, ...config } = stored().config;
    expect(config).toEqual(run.config);
    expect(stored().upserted).toMatchObject({
      ...{ displayName: run.name, groupName: run.group, jobType: run.jobType, notes: run.notes, commit: run.commit },
      tags: run.tags,
    });
    expect(stored().summary).toEqual({ ...rows[299], ...run.summary, _wandb: { runtime: 299 } });
    for (const [index, image] of [first, second].entries()) {
      const bytes = await readFile(images[index]?.file ?? '');
      expect(
        stored()
          .files.get(image?.path ?? '')
          ?.equals(bytes),
      ).toBe(true);
    }
    expect([...stored().uploaded].sort()).toEqual(
      ['config.yaml', first?.path, second?.path, 'wandb-summary.json'].sort(),
    );
  });

  it('uploads config and summary of a run without images, too', async () => {
    await sync(await write());
    expect([...stored().files.keys()].sort()).toEqual(['config.yaml', 'wandb-summary.json']);
    expect(JSON.parse(String(stored().files.get('wandb-summary.json')))).toEqual(stored().summary);
    expect(server.violations).toEqual([]);
  });

  it.each([
    ['finished', 'finished', 0],
    ['failed', 'failed', 1],
    ['cancelled', 'killed', 255],
    // Of a run without an end the client itself says that it failed: W&B counts it as crashed only where it is sent live.
    ['crashed', 'failed', 1],
    ['running', 'failed', 1],
  ] as const)('ends a run that is %s as %s', async (state, shown, exitCode) => {
    await sync(await write({ run: { ...run, state } }));
    expect(stored()).toMatchObject({ state: shown, exitCode });
    expect(steps()).toEqual(stepsUpTo(300));
    expect(server.violations).toEqual([]);
  });

  it('leaves a run alone that it has marked as synced', async () => {
    const at = await write();
    await sync(at);
    expect(await isMarked(at)).toBe(true);
    const requests = server.requests.length;
    await sync(at);
    await write();
    await sync(at);
    expect(server.requests).toHaveLength(requests);
  });

  // To be warned of in the documentation: a run is synced once. To send it anew, it must be deleted at W&B first.
  it.each(['--include-synced', 'the mark removed'])(
    'sends all rows once more, behind those there, with %s',
    async (how) => {
      const at = await write();
      await sync(at);
      if (how === 'the mark removed') await rm(syncedMark(at));
      await sync(at, { args: how === 'the mark removed' ? [] : [how] });
      expect(steps()).toEqual([...stepsUpTo(300), ...stepsUpTo(300)]);
      expect(stored()).toMatchObject({ state: 'finished', rowsOfEarlierSteps: 1 });
      expect(server.violations).toEqual([]);
    },
  );

  // The same warning: a run that goes on is synced when it has ended, not before.
  it('sends all rows of a run that has grown behind those that were synced', async () => {
    const at = await write({ run: { ...run, state: 'running' }, rows: rowsOf(...rowsUpTo(200)) });
    await sync(at);
    await write();
    expect(await isMarked(at)).toBe(false);
    await sync(at);
    expect(steps()).toEqual([...stepsUpTo(200), ...stepsUpTo(300)]);
  });

  // To be warned of, too: neither the exit code nor the mark says that rows arrived; W&B's own count of rows does.
  it('answers 0 and marks a run of which W&B refused the rows; with the mark removed, it sends them', async () => {
    const at = await write();
    server.faults = firstOnes('refused by name', 1, ['stream', 'complete']);
    await sync(at);
    expect(await isMarked(at)).toBe(true);
    expect(stored()).toMatchObject({ state: 'running', exitCode: undefined });
    expect(steps()).toEqual([]);

    server.faults = noFaults;
    await rm(syncedMark(at));
    await sync(at);
    expect(steps()).toEqual(stepsUpTo(300));
    expect(stored().state).toBe('finished');
  });

  it('loses nothing where the first requests of each kind fail', async () => {
    const images = [await imageOf(100), await imageOf(299)];
    server.faults = firstOnes('error 500', 2);
    // Whole seconds: what is less counts as not said.
    const waits = ['FILE_STREAM', 'GRAPHQL', 'FILE_TRANSFER'].flatMap((client) =>
      ['MIN', 'MAX'].map((bound) => [`WANDB__${client}_RETRY_WAIT_${bound}_SECONDS`, '1']),
    );
    await sync(await write({ images }), { env: Object.fromEntries(waits) });
    expect(server.requests.filter(({ fault }) => fault).length).toBeGreaterThanOrEqual(8);
    expect(steps()).toEqual(stepsUpTo(300));
    expect(stored().state).toBe('finished');
    expect(stored().files.size).toBe(4);
    expect(server.violations).toEqual([]);
  });

  it('leaves of our run what it leaves of the same run that the client itself wrote', async () => {
    await sync(await write({ run: { ...run, summary: {} }, rows: rowsOf(...rowsUpTo(5)) }));
    const ours = stored();

    await server.close();
    server = await startWandbServer();
    await wandbPython(
      `
import json, time, wandb
run = json.loads(${JSON.stringify(JSON.stringify(run))})
started = wandb.init(
    mode='offline', id=run['id'], name=run['name'], project=run['project'], entity=run['entity'], group=run['group'],
    job_type=run['jobType'], tags=run['tags'], notes=run['notes'], config=run['config'],
    settings=wandb.Settings(x_stats_sampling_interval=0.5),
)
print('sown')
for row in json.loads(${JSON.stringify(JSON.stringify(rowsUpTo(5)))}):
    started.log({name: value for name, value in row.items() if not name.startswith('_')}, step=row['_step'])
time.sleep(1)
started.finish()
`,
      folder,
    );
    const runs = await readdir(join(folder, 'wandb'));
    const theirsAt = runs.find((name) => /^offline-run-/.test(name) && !name.includes('20260304')) ?? '';
    await sync(join(folder, 'wandb', theirsAt));

    expect(server.violations).toEqual([]);
    const theirs = stored();
    expect(theirs.lines('output.log').join()).toContain('sown');
    expect(theirs.lines('wandb-events.jsonl').length).toBeGreaterThan(0);
    expect([...theirs.uploaded]).toEqual(expect.arrayContaining(['output.log', 'requirements.txt', 'config.yaml']));
    const withoutTimes = ({ _timestamp, _runtime, _wandb, ...rest }: Record<string, unknown>) => rest;
    const shown = ({ state, exitCode, upserted, config, summary, rows }: typeof ours, of: typeof ours) => {
      const { displayName, groupName, jobType, notes, tags } = upserted;
      const told = { state, exitCode, displayName, groupName, jobType, notes, tags };
      return {
        told,
        config: withoutTimes(config),
        summary: withoutTimes(summary),
        rows: rows.call(of).map(withoutTimes),
      };
    };
    expect(shown(ours, ours)).toEqual(shown(theirs, theirs));
  });

  it('brings over 100,000 rows', async () => {
    const count = 100_000;
    const rows = async function* () {
      for (let step = 0; step < count; step++) yield row(step, { 'train/mae': 300 / (step + 1), lr: 0.001 });
    };
    await sync(await write({ rows: rows() }));
    expect(stored().rows()).toHaveLength(count);
    const there = stored().rows();
    expect(there.findIndex(({ _step, loss }, step) => _step !== step || loss !== 1 / (step + 1))).toBe(-1);
    expect(stored().state).toBe('finished');
    expect(server.violations).toEqual([]);
  });
});
