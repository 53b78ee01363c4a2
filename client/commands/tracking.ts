import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { FurrowError } from '../../contract/errors.ts';
import { isOpen, type RunRecord } from '../../contract/messages.ts';
import { runPage } from '../../lib/connection/connection.ts';
import { listRunRecords } from '../../lib/store/runRecords.ts';
import { openStore, openStoreAt, type Store, storeUri } from '../../lib/store/store.ts';
import { partsOf } from '../../lib/tracking/partsOf.ts';
import { sendPart } from '../../lib/tracking/sendPart.ts';
import { findAccount } from '../../lib/tracking/wandb/account.ts';
import { connect } from '../connect.ts';
import { exitCodes, type Output, UsageError } from '../output.ts';
import { openRun, recordOf } from '../runHandle.ts';
import { inPlaceOfTracker } from '../tracker.ts';

export interface SyncOptions {
  /** Every run that the store knows. */
  readonly all?: boolean;
  /** With `all`: as a pipeline file names it. */
  readonly store: string;
  readonly project?: string;
  readonly entity?: string;
}

/** Milliseconds that W&B may take nothing for. */
const patienceMs = 60_000;

interface Synced {
  readonly run: string;
  /** Addresses, by the names that runs go by at W&B. */
  readonly shown: Readonly<Record<string, string>>;
}

/** `furrow tracking sync [RUN]`: sends to W&B what it lacks of a run, with the key of this shell. */
export async function sync(name: string | undefined, options: SyncOptions, output: Output): Promise<number> {
  if (name !== undefined && options.all) throw new UsageError('--all takes no run', 'Name one run, or say --all.');
  if (!(await findAccount())) {
    throw new FurrowError('TRACKING_NOT_SENT', 'There is no key for W&B: set WANDB_API_KEY, or run `wandb login`');
  }
  const synced: Synced[] = [];
  for await (const found of options.all ? everyRun(options) : oneRun(name)) {
    const { client, record } = found;
    const send = () => syncRun({ ...found, options, output });
    const shown = await (client ? inPlaceOfTracker(client, record.run, send) : send());
    synced.push({ run: record.run.workflowId, shown });
  }
  output.answer({ synced }, () => [
    ...synced.flatMap(({ shown }) => Object.entries(shown).map(([run, address]) => `${run}: ${address}`)),
    ...(synced.length === 0 ? ['There is no run to send'] : []),
  ]);
  return exitCodes.ok;
}

interface Found {
  readonly store: Store;
  readonly record: RunRecord;
  /** The Temporal that knows it. */
  readonly client?: Client;
  readonly page?: string | undefined;
}

async function* oneRun(name: string | undefined): AsyncGenerator<Found> {
  const handle = await openRun(name);
  const record = await recordOf(handle);
  if (!record.store)
    throw new FurrowError('WRONG_STATE', `${handle.workflowId} has not been planned: it has nothing to send`);
  const { ui, namespace } = handle.target;
  const page = ui && runPage(ui, namespace, handle.workflowId, handle.runId);
  yield { store: await openStoreAt(record.store), record, client: handle.client, page };
}

async function* everyRun(options: SyncOptions): AsyncGenerator<Found> {
  const store = await openStore(storeUri(options.store, process.cwd()), { create: false });
  // Without a Temporal nothing else sends.
  const connected = await connect().catch(() => undefined);
  for await (const record of listRunRecords(store))
    yield { store, record, ...(connected && { client: connected.client }) };
}

async function syncRun(found: Found & { options: SyncOptions; output: Output }): Promise<Record<string, string>> {
  const { store, record, page, options, output } = found;
  const { project = record.tracking?.project ?? record.run.pipeline, entity = record.tracking?.entity } = options;
  const { tags = [], notes } = record.tracking ?? {};
  const tracking = { project, tags, ...(entity !== undefined && { entity }), ...(notes !== undefined && { notes }) };
  const around = {
    tracking,
    commit: record.commit,
    page: ({ runId }: RunRecord['run']) => (runId === record.run.runId ? page : undefined),
  };
  const folder = await mkdtemp(join(tmpdir(), 'furrow-sync-'));
  const shown: Record<string, string> = {};
  try {
    // One that goes on says by itself how it ends.
    const over = !isOpen(record.status);
    for await (const part of partsOf({ store, record, around, folder, over, except: new Set() })) {
      output.say(`sending ${part.run.name} …`);
      const signal = new AbortController().signal;
      shown[part.run.name] = await sendPart(part, {
        ...{ mode: 'online', folder, signal, patienceMs },
        onTrouble: (message) => output.say(`${message} …`),
      });
    }
    return shown;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
