import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { HistoryRow, TrackedImage, TrackedState } from '../../trackedRun.ts';
import { imageValue } from '../imageValue.ts';
import { pngOf } from '../testing/png.ts';
import { type ReadRecord, readRecords, valuesOf } from './testing/readRecords.ts';
import { row, rowsOf, run } from './testing/sampleRun.ts';
import { type OfflineRun, writeOfflineRun } from './writeOfflineRun.ts';

/** Stands for a process that ends before the `.wandb` file takes its place. */
const atRename = vi.hoisted(() => ({ crash: false }));
vi.mock('node:fs/promises', async (importOriginal) => {
  const real = await importOriginal<typeof import('node:fs/promises')>();
  const rename: typeof real.rename = async (from, to) => {
    if (atRename.crash && String(to).endsWith('.wandb')) throw new Error('crashed');
    await real.rename(from, to);
  };
  return { ...real, rename };
});

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

/** Every file below the wandb folder, sorted. */
async function filesWritten(): Promise<string[]> {
  const entries = await readdir(wandbFolder(), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map(({ parentPath, name }) => join(parentPath, name).slice(wandbFolder().length + 1))
    .sort();
}

async function imageOf(key: string, step: number, png = pngOf(20, 10), caption = ''): Promise<TrackedImage> {
  const file = join(folder, `${key.replaceAll('/', '-')}.png`);
  await writeFile(file, png);
  return { key, step, file, caption };
}

describe('the records of an offline run', () => {
  it('say what it is, each of its rows, its summary and how it ended, in this order', async () => {
    const rows = rowsOf(row(0), row(3, { val: { mae: 20, bands: [1, 2] }, 'a.b/c': 'text', none: null, empty: {} }));
    const at = await write({ rows });
    expect(basename(at)).toBe('offline-run-20260304_050607-k3j9x0');
    const records = await recordsIn(at);

    expect(records.map(({ num, ...kind }) => [num, ...Object.keys(kind)])).toEqual([
      [1, 'header'],
      [2, 'run'],
      [3, 'history'],
      [4, 'history'],
      [5, 'summary'],
      [6, 'exit'],
    ]);
    const [header, started, first, second, summary, exit] = records;
    expect(header?.header).toEqual({ version_info: { producer: '0.31.0+furrow', min_consumer: '0.70.0' } });
    const { config, ...rest } = started?.run ?? {};
    expect(rest).toEqual({
      run_id: 'k3j9x0',
      entity: 'field-team',
      project: 'nitrogen',
      run_group: 'nitrogen',
      job_type: 'train',
      display_name: run.name,
      notes: run.notes,
      tags: run.tags,
      start_time: { seconds: Date.parse('2026-03-04T05:06:07Z') / 1000, nanos: 89e6 },
      git: { commit: run.commit },
    });
    expect(valuesOf(config?.update ?? [])).toEqual(run.config);

    expect(first?.history?.step).toEqual({});
    expect(valuesOf(first?.history?.item ?? [])).toEqual(row(0));
    expect(second?.history?.step).toEqual({ num: 3 });
    expect(valuesOf(second?.history?.item ?? [])).toEqual({
      ...row(3),
      'val > mae': 20,
      'val > bands': [1, 2],
      'a.b/c': 'text',
      none: null,
    });
    expect(valuesOf(summary?.summary?.update ?? [])).toEqual({
      ...row(3),
      'val > mae': 20,
      'val > bands': [1, 2],
      'a.b/c': 'text',
      none: null,
      '_wandb > runtime': 3,
      'best > mae': 11.5,
      'test/mae': 12.25,
      loss: 0.125,
    });
    expect(exit?.exit).toEqual({});
  });

  it.each([
    ['finished', 0],
    ['failed', 1],
    ['cancelled', 255],
    ['running', undefined],
    ['crashed', undefined],
  ] as const)('end, of a run that is %s, with the exit code %s', async (state: TrackedState, exitCode) => {
    const last = (await recordsIn(await write({ run: { ...run, state } }))).at(-1);
    expect(last?.exit && (last.exit.exit_code ?? 0)).toBe(exitCode);
    expect(last?.summary !== undefined).toBe(exitCode === undefined);
  });

  it('leave out what a run has not: an entity, a commit, rows', async () => {
    const { entity: _entity, commit: _commit, ...plain } = run;
    const records = await recordsIn(await write({ run: plain, rows: rowsOf() }));
    expect(records[1]?.run).not.toHaveProperty('entity');
    expect(records[1]?.run).not.toHaveProperty('git');
    const summary = valuesOf(records[2]?.summary?.update ?? []);
    expect(summary).toEqual({ '_wandb > runtime': 0, 'best > mae': 11.5, 'test/mae': 12.25, loss: 0.125 });
  });

  it('name the images, which lie beside them', async () => {
    const png = pngOf(20, 10);
    const image = await imageOf('val/predictions', 1, png, 'Measured and predicted');
    const { path, value } = await imageValue(image);
    const at = await write({ images: [image] });

    const name = 'offline-run-20260304_050607-k3j9x0';
    expect(await filesWritten()).toEqual([`${name}/files/${path}`, `${name}/run-k3j9x0.wandb`]);
    expect((await readFile(join(at, 'files', path))).equals(png)).toBe(true);

    const records = await recordsIn(at);
    expect(records[2]?.files).toEqual({ files: [{ path }] });
    const described = Object.fromEntries(
      Object.entries(value).map(([field, given]) => [`val/predictions > ${field}`, given]),
    );
    expect(valuesOf(records[4]?.history?.item ?? [])).toEqual({ ...row(1), ...described });
    expect(valuesOf(records[5]?.summary?.update ?? [])).toMatchObject(described);
  });
});

describe('the folder of an offline run', () => {
  it('is the same, byte by byte, when the run is written again, and stays marked as synced', async () => {
    const images = [await imageOf('predictions', 1)];
    const at = await write({ images });
    const [before, files] = [await contentOf(at), await filesWritten()];
    await writeFile(join(at, 'run-k3j9x0.wandb.synced'), '');

    expect(await write({ images })).toBe(at);
    expect((await contentOf(at)).equals(before)).toBe(true);
    expect(await filesWritten()).toEqual([...files, `${basename(at)}/run-k3j9x0.wandb.synced`]);
  });

  it('is replaced when the run went on: nothing of before is left, neither images nor the mark of a sync', async () => {
    const at = await write({ images: [await imageOf('old/predictions', 1)], run: { ...run, state: 'running' } });
    await writeFile(join(at, 'run-k3j9x0.wandb.synced'), '');
    await mkdir(join(at, 'logs'));
    await writeFile(join(at, 'run-k3j9x0.wandb.writing'), 'of a process that was killed');

    const image = await imageOf('predictions', 2);
    expect(await write({ rows: rowsOf(row(0), row(1), row(2)), images: [image] })).toBe(at);
    expect((await recordsIn(at)).filter(({ history }) => history)).toHaveLength(3);
    const { path } = await imageValue(image);
    expect(await filesWritten()).toEqual([`${basename(at)}/files/${path}`, `${basename(at)}/run-k3j9x0.wandb`]);
    expect(await readdir(at)).toEqual(['files', 'run-k3j9x0.wandb']);
  });

  it('has a place for the files that `wandb sync` adds, also without images', async () => {
    const at = await write();
    expect(await readdir(at)).toEqual(['files', 'run-k3j9x0.wandb']);
    await writeFile(join(at, 'files', 'config.yaml'), '');
    await write();
    expect(await readdir(join(at, 'files'))).toEqual([]);
  });

  it('is never marked as synced with rows that were not, even when the process ends before they take their place', async () => {
    const at = await write();
    const files = await filesWritten();
    await writeFile(join(at, 'run-k3j9x0.wandb.synced'), '');
    atRename.crash = true;
    await expect(write({ rows: rowsOf(row(0), row(1), row(2)) })).rejects.toThrow('crashed');
    atRename.crash = false;
    expect((await recordsIn(at)).filter(({ history }) => history)).toHaveLength(2);
    expect(existsSync(join(at, 'run-k3j9x0.wandb.synced'))).toBe(false);

    await write({ rows: rowsOf(row(0), row(1), row(2)) });
    expect((await recordsIn(at)).filter(({ history }) => history)).toHaveLength(3);
    expect(await filesWritten()).toEqual(files);
  });

  it('is there once: a run that started anew leaves its first folder, and other runs stay', async () => {
    const other = await write({ run: { ...run, id: 'xk3j9x0' } });
    await write();
    const again = await write({ run: { ...run, startedAt: '2026-03-05T00:00:00.000Z' } });
    expect((await readdir(wandbFolder())).sort()).toEqual([basename(other), basename(again)]);
  });

  it('shows no run before the last row is written, and writes while rows come', async () => {
    const seen: { readonly whole: boolean; readonly bytes: number }[] = [];
    const at = join(wandbFolder(), 'offline-run-20260304_050607-k3j9x0');
    const rows = async function* () {
      for (let step = 0; step < 50_000; step++) {
        if (step % 10_000 === 9_999) {
          const { size } = await stat(join(at, 'run-k3j9x0.wandb.writing'));
          seen.push({ whole: existsSync(join(at, 'run-k3j9x0.wandb')), bytes: size });
        }
        yield row(step);
      }
    };
    await write({ rows: rows() });
    expect(seen.map(({ whole }) => whole)).toEqual(Array(5).fill(false));
    const { size } = await stat(join(at, 'run-k3j9x0.wandb'));
    // What is not yet on disk is a buffer of 1 MiB, not the rows.
    for (const [index, { bytes }] of seen.entries()) expect(bytes).toBeGreaterThan(((index + 1) / 5) * size - 2 ** 21);
  });

  async function* failing(): AsyncGenerator<HistoryRow> {
    yield row(0);
    throw new Error('the run log is gone');
  }

  it('is not there when the rows end in an error', async () => {
    await expect(write({ rows: failing(), images: [await imageOf('predictions', 0)] })).rejects.toThrow('is gone');
    expect(await readdir(wandbFolder())).toEqual([]);
  });

  it('keeps the run that it has when the rows of the next one end in an error', async () => {
    const at = await write();
    const [before, files] = [await contentOf(at), await filesWritten()];
    await expect(write({ rows: failing() })).rejects.toThrow('is gone');
    expect((await contentOf(at)).equals(before)).toBe(true);
    expect(await filesWritten()).toEqual(files);
  });

  it('is not begun when an image is no PNG', async () => {
    const image = await imageOf('predictions', 0, Buffer.from('GIF89a'));
    await expect(write({ images: [image] })).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
    expect(existsSync(wandbFolder())).toBe(false);
  });
});
