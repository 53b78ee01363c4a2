import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Digest, RuntimeClass } from '../../contract/artifact.ts';
import { FurrowError } from '../../contract/errors.ts';
import type { Checkpoint, StageLog } from '../../contract/stage.ts';
import { copyBlob, putBlobFile } from './blobs.ts';
import { blobName, checkpointFolder } from './names.ts';
import { checkThere, type Store } from './store.ts';

/** A checkpoint as its entry says: immutable, and exclusively created. */
export interface StoredCheckpoint {
  readonly step: number;
  readonly attempt: number;
  /** Of the run that made it; another run of the same key may go on from it. */
  readonly runId: string;
  readonly runtime: RuntimeClass;
  readonly resumedFrom?: readonly RuntimeClass[];
}

/** An entry in the store. Its name sorts by step, and is like no other: two attempts may checkpoint the same step. */
interface Entry {
  readonly name: string;
  readonly step: number;
}

/** Stores a checkpoint under its stage's key, then prunes the older ones but the one before it. */
export async function commitCheckpoint(store: Store, key: Digest, at: StoredCheckpoint, file: string): Promise<void> {
  const blob = await putBlobFile(store, file);
  const name = `${checkpointFolder(key)}${String(at.step).padStart(12, '0')}-${randomUUID()}`;
  await store.driver.create(name, new TextEncoder().encode(JSON.stringify({ format: 1, ...blob, ...at })));
  const entries = await entriesOf(store, key);
  // The one before stays: were the newest torn by a failing disk, a step back is better than the start.
  const old = entries.filter((entry) => entry.step < at.step).slice(1);
  await removeEntries(
    store,
    old,
    entries.filter((entry) => !old.includes(entry)),
  );
}

export interface NewestRequest {
  /** Where its file is copied to. */
  readonly folder: string;
  readonly log: StageLog;
  isUsable(checkpoint: StoredCheckpoint): boolean;
}

/** Copies the newest usable checkpoint of `key`; what is torn or altered is passed over with a warning. */
export async function newestCheckpoint(
  store: Store,
  key: Digest,
  { folder, log, isUsable }: NewestRequest,
): Promise<(StoredCheckpoint & Checkpoint) | undefined> {
  for (const entry of await entriesOf(store, key)) {
    const file = join(folder, 'checkpoint');
    try {
      const { digest, stored } = await readEntry(store, entry);
      if (!isUsable(stored)) continue;
      await copyBlob(store, digest, file);
      return { ...stored, file };
    } catch (error) {
      if (!(error instanceof FurrowError) || error.retryable) throw error;
      log.warn(`checkpoint of step ${entry.step} passed over: ${error.message}`, {
        step: entry.step,
        code: error.code,
      });
    }
  }
  await checkThere(store);
  return undefined;
}

/** Once the stage's output is committed nobody needs its checkpoints. */
export async function removeCheckpoints(store: Store, key: Digest): Promise<void> {
  await removeEntries(store, await entriesOf(store, key), []);
}

/** Newest first. */
async function entriesOf(store: Store, key: Digest): Promise<Entry[]> {
  const names = await store.driver.list(checkpointFolder(key));
  return names
    .map((name) => ({ name, step: Number(/\/(\d{12})-[^/]*$/.exec(name)?.[1]) }))
    .filter((entry) => Number.isInteger(entry.step))
    .reverse();
}

async function readEntry(store: Store, entry: Entry): Promise<{ digest: Digest; stored: StoredCheckpoint }> {
  const content = (await store.driver.read(entry.name)) ?? new Uint8Array();
  try {
    const { digest, format: _, bytes: __, ...stored } = JSON.parse(Buffer.from(content).toString('utf8'));
    blobName(digest);
    return { digest, stored };
  } catch (cause) {
    throw new FurrowError('BLOB_CORRUPT', `${store.driver.uriOf(entry.name)} is not a checkpoint's entry`, { cause });
  }
}

/** An entry goes before its blob: a blob without an entry is litter, an entry without its blob a trap. Attempts may share a blob. */
async function removeEntries(store: Store, old: readonly Entry[], kept: readonly Entry[]): Promise<void> {
  const digestOf = async (entry: Entry) => (await readEntry(store, entry).catch(() => undefined))?.digest;
  const keep = new Set(await Promise.all(kept.map(digestOf)));
  for (const entry of old) {
    const digest = await digestOf(entry);
    await store.driver.remove(entry.name);
    if (digest && !keep.has(digest)) await store.driver.remove(blobName(digest));
  }
}
