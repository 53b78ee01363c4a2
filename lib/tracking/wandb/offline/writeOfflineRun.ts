import { existsSync } from 'node:fs';
import { copyFile, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { digestOfFile } from '../../../store/digest.ts';
import { summaryOf } from '../../summary.ts';
import type { HistoryRow, TrackedImage, TrackedRun } from '../../trackedRun.ts';
import { imageValue } from '../imageValue.ts';
import { rowsWithImages, type ShownImage } from '../rowsWithImages.ts';
import { ProtobufEncoder } from './protobuf.ts';
import { RecordLog } from './recordLog.ts';
import {
  exitRecord,
  filesRecord,
  headerRecord,
  historyRecord,
  numbered,
  runRecord,
  summaryRecord,
  type WandbRecord,
} from './records.ts';

export interface OfflineRun {
  /** Where the folders of runs lie: what `wandb sync` calls the wandb folder. */
  readonly folder: string;
  readonly run: TrackedRun;
  /** Read once. */
  readonly rows: AsyncIterable<HistoryRow>;
  readonly images: readonly TrackedImage[];
}

/** A file below `files/`, with forward slashes, and what it is a copy of. */
interface RunFile {
  readonly path: string;
  readonly from: string;
}

/**
 * Writes a run as the Python client does in its offline mode, for `wandb sync`. Its `.wandb` file comes last, and at once: a reader
 * finds the whole run or none. Written again, a run takes its own place; one that has not changed stays marked as synced.
 *
 * @returns the folder of the run
 * @throws FurrowError `FILE_UNREADABLE` when an image is no PNG: then nothing is written
 */
export async function writeOfflineRun({ folder, run, rows, images }: OfflineRun): Promise<string> {
  const shown: ShownImage[] = [];
  const files: RunFile[] = [];
  for (const image of images) {
    const { path, value } = await imageValue(image);
    shown.push({ key: image.key, step: image.step, value });
    files.push({ path, from: image.file });
  }

  const at = join(folder, folderName(run));
  const file = join(at, `run-${run.id}.wandb`);
  const aside = `${file}.writing`;
  const runFiles = join(at, 'files');
  const kept = new Set([file, runFiles + sep]);
  try {
    for (const { path, from } of files) {
      const to = join(runFiles, path);
      await replaceBy(from, to);
      kept.add(to);
    }
    // Without it `wandb sync` has no place for config.yaml and wandb-summary.json, and says nothing of it.
    await mkdir(runFiles, { recursive: true });
    const startedAt = Date.parse(run.startedAt) / 1000;
    await writeRecords(aside, recordsOf(run, rowsWithImages(rows, shown, startedAt), files));
  } catch (error) {
    await rm(existsSync(file) ? aside : at, { recursive: true, force: true });
    throw error;
  }

  const synced = `${file}.synced`;
  if (await haveSameContent(aside, file)) kept.add(synced);
  // Before the rename: a crash between the two must not leave new rows marked as sent.
  else await rm(synced, { force: true });
  await rename(aside, file);
  await removeOthers(at, kept);
  await removeEarlier(folder, run);
  return at;
}

async function* recordsOf(
  run: TrackedRun,
  rows: AsyncIterable<HistoryRow>,
  files: readonly RunFile[],
): AsyncGenerator<WandbRecord> {
  yield headerRecord;
  yield runRecord(run);
  if (files.length > 0) yield filesRecord(files.map(({ path }) => path));
  const summary = summaryOf(run);
  for await (const row of rows) {
    yield historyRecord(row);
    summary.add(row);
  }
  yield summaryRecord(summary.values());
  const exit = exitRecord(run.state);
  if (exit) yield exit;
}

async function writeRecords(file: string, records: AsyncIterable<WandbRecord>): Promise<void> {
  const handle = await open(file, 'w');
  try {
    const log = new RecordLog(handle);
    const encoder = new ProtobufEncoder();
    let num = 0;
    for await (const record of records) await log.append(encoder.encode(numbered(++num, record)));
    await log.finish();
    await handle.datasync();
  } finally {
    await handle.close();
  }
}

/** Copied aside first: the file that is there may be read, or be read-only. */
async function replaceBy(from: string, to: string): Promise<void> {
  const aside = `${to}.writing`;
  await mkdir(dirname(to), { recursive: true });
  await rm(aside, { force: true });
  await copyFile(from, aside);
  await rename(aside, to);
}

async function haveSameContent(file: string, other: string): Promise<boolean> {
  if (!existsSync(other)) return false;
  return (await digestOfFile(file)).digest === (await digestOfFile(other)).digest;
}

/** All that lies below a folder but is not kept; of what ends with a separator, the folder itself is. */
async function removeOthers(folder: string, kept: ReadonlySet<string>): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    if (kept.has(path)) continue;
    if ([...kept].some((file) => file.startsWith(path + sep))) await removeOthers(path, kept);
    else await rm(path, { recursive: true, force: true });
  }
}

/** `offline-run-YYYYMMDD_HHMMSS-ID`, in UTC: the same on every machine. */
function folderName({ id, startedAt }: TrackedRun): string {
  const [day, time] = new Date(startedAt)
    .toISOString()
    .replaceAll(/[-:]|\..*/g, '')
    .split('T');
  return `offline-run-${day}_${time}-${id}`;
}

/** The run as it was written with another start: a run is there once. */
async function removeEarlier(folder: string, run: TrackedRun): Promise<void> {
  for (const name of await readdir(folder)) {
    const [, id] = /^offline-run-\d{8}_\d{6}-(.+)$/.exec(name) ?? [];
    if (id === run.id && name !== folderName(run)) await rm(join(folder, name), { recursive: true, force: true });
  }
}
