/** Sends one run to W&B through its SDK, behind the relay: see {@link startRelay}. For a process of its own. */

import { createHash } from 'node:crypto';
import wandb from '@wandb/sdk';
import type { JsonObject } from '../../../contract/json.ts';
import { followLines } from '../rows/followLines.ts';
import { historyRows } from '../rows/historyRows.ts';
import { summaryOf } from '../summary.ts';
import type { HistoryRow, TrackedRun } from '../trackedRun.ts';
import { type Account, runPage } from './account.ts';
import { type RunPlace, type ServerRun, type WandbApi, wandbApi } from './api.ts';
import type { Trouble } from './deliver.ts';
import { exitCodes } from './exitCodes.ts';
import { imageValue } from './imageValue.ts';
import { type Relay, stampedRow, startRelay } from './relay.ts';
import { rowsWithImages } from './rowsWithImages.ts';
import type { SendTask } from './sendTask.ts';

/** Rows under way: of 10,000 at once and more, the SDK loses what is above. */
const mostUnacknowledged = 8_000;

/** In the summary of a run that was sent to its end: what was sent. */
const digestName = 'furrow_digest';

export interface Sending {
  readonly account: Account;
  readonly task: SendTask;
  readonly signal: AbortSignal;
  /** The rows file grows no more. */
  ended(): boolean;
  /** Its last row is complete. */
  isWhole(): boolean;
  onOpened(address: string): void;
  onAccepted(rows: number): void;
  onTrouble(trouble: Trouble): void;
}

export interface Sent {
  readonly rows: number;
  readonly address: string;
}

/**
 * Sends what W&B lacks of a run, from the first row that it does not have on. A run that has ended is completed, and only done when
 * W&B's own count of its rows says so; one that is there whole is left as it is.
 *
 * @throws the signal's reason; Error when W&B counts fewer rows than it took
 */
export async function sendRun(sending: Sending): Promise<Sent> {
  const { account, task, signal } = sending;
  const { run } = task;
  const api = wandbApi(account, { signal, onTrouble: sending.onTrouble, ...task.waits });
  const place: RunPlace = { entity: run.entity ?? (await api.defaultEntity()), project: run.project, id: run.id };
  const address = runPage(account.url, place.entity, place.project, place.id);
  const there = await api.findRun(place);
  const exitCode = exitCodes[run.state];
  const digest = await digestOf(task);
  if (there && exitCode !== undefined && isWholeThere(there, task.leaveIfComplete ? undefined : digest)) {
    sending.onOpened(address);
    return { rows: there.rows, address };
  }

  const images = await Promise.all(task.images.map(async (image) => ({ image, ...(await imageValue(image)) })));
  const shown = Object.fromEntries(images.map(({ image, value }) => [image.key, value])) as JsonObject;
  const summary = summaryOf(run);
  const isOver = () => exitCode !== undefined && sending.ended();
  const relay = await startRelay({
    api,
    run,
    base: there?.rows ?? 0,
    onAccepted: sending.onAccepted,
    summary: () => ({ ...summary.values(), ...shown, ...(isOver() && { [digestName]: digest }) }),
  });
  try {
    const sdk = await openWithSdk(relay, place, run);
    sending.onOpened(address);
    await api.upload(
      place,
      images.map(({ image, path }) => ({ name: path, file: image.file })),
    );
    let rows = 0;
    const placed = images.map(({ image: { key, step }, value }) => ({ key, step, value }));
    for await (const row of rowsWithImages(rowsOf(sending), placed, Date.parse(run.startedAt) / 1000)) {
      summary.add(row);
      rows++;
      // Those before are there already.
      if (rows <= (there?.rows ?? 0)) continue;
      while (rows - relay.accepted > mostUnacknowledged) await relay.progressed();
      sdk.log(stampedRow(row), row._step);
    }
    if (exitCode === undefined) return await settled(relay, { rows, address });
    while (rows - relay.accepted > mostUnacknowledged) await relay.progressed();
    await sdk.finish(exitCode);
    return await counted(api, place, { rows, address });
  } finally {
    await relay.close();
  }
}

/** Sent to its end before, by whichever process: rows, summary, images and all. */
function isWholeThere({ summary, state }: ServerRun, digest: string | undefined): boolean {
  const said = summary[digestName];
  return (digest === undefined ? said !== undefined : said === digest) && state !== 'running';
}

/** Over what is sent, the rows left aside: the log that they come from grows only, and W&B counts them. */
async function digestOf({ run, images }: SendTask): Promise<string> {
  const pictures = await Promise.all(images.map(async (image) => (await imageValue(image)).value));
  return createHash('sha256')
    .update(JSON.stringify([run, pictures]))
    .digest('hex')
    .slice(0, 16);
}

async function openWithSdk(relay: Relay, { entity, project, id }: RunPlace, run: TrackedRun) {
  const opened = await wandb.init({
    ...{ id, project, entity, name: run.name },
    // W&B's page takes a value for one when it is wrapped.
    config: Object.fromEntries(Object.entries(run.config).map(([name, value]) => [name, { value }])),
    settings: { apiKey: 'relay', baseUrl: relay.url, silent: true },
  } as Parameters<typeof wandb.init>[0]);
  return opened as unknown as {
    log(row: Record<string, unknown>, step: number): void;
    finish(code: number): Promise<void>;
  };
}

async function* rowsOf({ task, ended, isWhole, signal }: Sending): AsyncGenerator<HistoryRow> {
  const { file, format, grows } = task.rows;
  const lines = followLines(file, { ended: () => !grows || ended(), signal });
  if (format === 'runLog') return yield* historyRows(lines, () => !grows || isWhole());
  for await (const line of lines) yield JSON.parse(line) as HistoryRow;
}

/** A run that goes on elsewhere is not completed here; what is on its way arrives. */
async function settled(relay: Relay, sent: Sent): Promise<Sent> {
  while (relay.accepted < sent.rows) await relay.progressed();
  return sent;
}

async function counted(api: WandbApi, place: RunPlace, sent: Sent): Promise<Sent> {
  const there = await api.findRun(place);
  if (there && there.rows >= sent.rows) return sent;
  throw new Error(`W&B counts ${there?.rows ?? 0} of ${sent.rows} rows of ${place.id}`);
}
