/** What is written here, read by the official client, and what the official client writes, read here. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { imageValue } from '../imageValue.ts';
import { pngOf } from '../testing/png.ts';
import { inspectRecords, inspectSummary, wandbProgram, wandbPython } from '../testing/pythonClient.ts';
import { blockBytes, type ReadRecord, readFrames, readRecords, valuesOf } from './testing/readRecords.ts';
import { row, rowsOf, run } from './testing/sampleRun.ts';
import { type OfflineRun, writeOfflineRun } from './writeOfflineRun.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'furrow-wandb-'));
});
afterEach(() => rm(folder, { recursive: true }));

const wandbFolder = () => join(folder, 'wandb');
const write = (given: Partial<OfflineRun> = {}) =>
  writeOfflineRun({ folder: wandbFolder(), run, rows: rowsOf(row(0), row(1)), images: [], ...given });
const contentOf = (at: string, id = run.id) => readFile(join(at, `run-${id}.wandb`));
const recordsIn = async (at: string): Promise<ReadRecord[]> => readRecords(await contentOf(at));

describe.skipIf(!wandbProgram)('the official client', () => {
  it('reads what the run is, its rows with their images, its summary and how it ended', async () => {
    const image = { key: 'val/predictions', step: 1, file: join(folder, 'figure.png'), caption: 'Ertrag 🌾' };
    await writeFile(image.file, pngOf(20, 10));
    const { path, value } = await imageValue(image);
    const rows = rowsOf(row(0, { text: 'Gülle "5 m³"\n窒素' }), row(1, { val: { mae: 1e-7 }, big: 1e300 }), row(5));
    const at = await write({ run: { ...run, state: 'failed' }, rows, images: [image] });

    const records = await inspectRecords(at);
    expect(records.map(({ type }) => type)).toEqual([
      ...['header', 'run', 'files', 'history', 'history', 'history', 'summary', 'exit'],
    ]);
    expect(records[1]?.run).toEqual({
      run_id: 'k3j9x0',
      entity: 'field-team',
      project: 'nitrogen',
      run_group: 'nitrogen',
      job_type: 'train',
      display_name: run.name,
      notes: run.notes,
      tags: run.tags,
      start_time: run.startedAt,
      git: { commit: run.commit },
      config: { update: run.config },
    });
    expect(records[2]?.files).toEqual({ files: [{ path }] });
    const described = Object.fromEntries(Object.entries(value).map(([field, of]) => [`val/predictions.${field}`, of]));
    expect(records.slice(3, 6).map(({ history }) => history)).toEqual([
      { step: { num: 0 }, item: row(0, { text: 'Gülle "5 m³"\n窒素' }) },
      { step: { num: 1 }, item: { ...row(1), 'val.mae': 1e-7, big: 1e300, ...described } },
      { step: { num: 5 }, item: row(5) },
    ]);
    expect(records[7]?.exit).toEqual({ exit_code: 1 });

    expect(await inspectSummary(at)).toMatchObject({
      state: 'failed',
      exit_code: 1,
      step: 5,
      run_id: 'k3j9x0',
      name: run.name,
      config: run.config,
      summary: { ...row(5), ...run.summary, val: { mae: 1e-7 }, 'val/predictions': value },
    });
  });

  it('writes a run, its rows and its end as they are written here', async () => {
    const values = {
      loss: 0.5,
      val: { mae: 20, 'a.b': { bands: [1, 2] } },
      'test/mae': 12.25,
      text: 'Gülle',
      none: null,
    };
    await wandbPython(
      `
import json, wandb
run = json.loads(${JSON.stringify(JSON.stringify(run))})
started = wandb.init(
    mode='offline', id=run['id'], name=run['name'], project=run['project'], entity=run['entity'], group=run['group'],
    job_type=run['jobType'], tags=run['tags'], notes=run['notes'], config=run['config'],
    settings=wandb.Settings(x_disable_stats=True, console='off'),
)
started.log(json.loads(${JSON.stringify(JSON.stringify(values))}), step=3)
started.finish(exit_code=1)
`,
      folder,
    );
    const theirs = (await readdir(wandbFolder())).find((name) => name.startsWith('offline-run-')) ?? '';
    const [official, ours] = [
      await recordsIn(join(wandbFolder(), theirs)),
      await recordsIn(await write({ run: { ...run, state: 'failed' }, rows: rowsOf(row(3, values)) })),
    ];
    const find = <K extends keyof ReadRecord>(records: readonly ReadRecord[], kind: K) =>
      records.find((record) => record[kind])?.[kind];

    expect(Object.keys(find(ours, 'header')?.version_info ?? {})).toEqual(
      Object.keys(find(official, 'header')?.version_info ?? {}),
    );
    expect(find(ours, 'header')?.version_info.min_consumer).toBe(find(official, 'header')?.version_info.min_consumer);
    const { config, start_time: _start, git: _git, ...told } = find(ours, 'run') ?? {};
    const { config: theirConfig, start_time: _theirStart, git: _theirGit, ...theirTold } = find(official, 'run') ?? {};
    expect(told).toEqual(theirTold);
    expect(theirConfig?.update).toEqual(expect.arrayContaining([...(config?.update ?? [])]));
    const items = (records: readonly ReadRecord[]) => {
      const { _timestamp, _runtime, ...rest } = valuesOf(find(records, 'history')?.item ?? []);
      return { ...rest, times: [typeof _timestamp, typeof _runtime] };
    };
    expect(items(ours)).toEqual(items(official));
    expect(find(ours, 'history')?.step).toEqual(find(official, 'history')?.step);
    expect(find(ours, 'exit')).toEqual(find(official, 'exit'));
  });

  it.each([
    ['finished', 'finished', 0],
    ['cancelled', 'failed', 255],
    ['running', 'running', null],
  ] as const)('takes a run that is %s as %s', async (state, shown, exitCode) => {
    const summary = await inspectSummary(await write({ run: { ...run, state } }));
    expect([summary.state, summary.exit_code]).toEqual([shown, exitCode]);
  });

  it('reads rows that are longer than a block, and those around them', async () => {
    const text = '窒素'.repeat(17_000);
    const rows = [row(0), row(1, { text }), row(2, { text: 'x'.repeat(100_000) }), row(3)];
    const records = await inspectRecords(await write({ rows: rowsOf(...rows) }));
    expect(records.filter(({ type }) => type === 'history').map(({ history }) => history?.item)).toEqual(rows);
  });

  it.each([0, 1, 6, 7, 8])('reads on where a row leaves %d bytes of a block', async (left) => {
    const rowsWith = (length: number) => [row(0, { text: 'x'.repeat(length) }), row(1)];
    const framesOf = async (at: string) => readFrames(await contentOf(at)).slice(2, 4);
    const [guess] = await framesOf(await write({ rows: rowsOf(...rowsWith(30_000)) }));
    const end = (guess?.at ?? 0) + 7 + (guess?.data.length ?? 0);
    const rows = rowsWith(30_000 + blockBytes - left - end);

    const at = await write({ rows: rowsOf(...rows) });
    expect((await framesOf(at))[1]?.at).toBe(left < 7 ? blockBytes : blockBytes - left);
    const records = await inspectRecords(at);
    expect(records.filter(({ type }) => type === 'history').map(({ history }) => history?.item)).toEqual(rows);
  });

  it('reads 100,000 rows', async () => {
    const count = 100_000;
    const values = (step: number) => row(step, { 'val/mae': 300 / (step + 1), epoch: step / 100, lr: 0.001 });
    const rows = async function* () {
      for (let step = 0; step < count; step++) yield values(step);
    };
    const records = await inspectRecords(await write({ rows: rows() }));
    const items = records.filter(({ type }) => type === 'history').map(({ history }) => history?.item);
    expect(items).toHaveLength(count);
    const wrong = items.findIndex(
      (item, step) => JSON.stringify(sorted(item)) !== JSON.stringify(sorted(values(step))),
    );
    expect(wrong).toBe(-1);
    expect(records.at(-1)?.exit).toEqual({ exit_code: 0 });
  });
});

function sorted(item: unknown): [string, unknown][] {
  return Object.entries(item as object).sort(([a], [b]) => (a < b ? -1 : 1));
}
