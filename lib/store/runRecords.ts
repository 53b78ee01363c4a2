import { FurrowError } from '../../contract/errors.ts';
import type { RunRecord } from '../../contract/messages.ts';
import { runFolder, runRecordName } from './names.ts';
import type { Store } from './store.ts';

/**
 * Saves a run's record. Records only grow older: one that says less than what is there (an attempt that was overtaken) is
 * dropped. `sequence` counts the run's changes of state.
 *
 * @returns where a person finds it
 */
export async function saveRunRecord(store: Store, record: RunRecord, sequence: number): Promise<string> {
  const name = runRecordName(record.run.workflowId, record.run.runId);
  const place = store.driver.uriOf(name);
  for (;;) {
    const known = await store.driver.readPointer(name);
    if (known && (JSON.parse(known.text) as { sequence: number }).sequence >= sequence) return place;
    try {
      await store.driver.swapPointer(name, JSON.stringify({ sequence, record }), known?.version);
      return place;
    } catch (error) {
      if (!(error instanceof FurrowError) || error.code !== 'STORE_CONFLICT') throw error;
    }
  }
}

export interface SavedRecord {
  readonly sequence: number;
  readonly record: RunRecord;
}

export async function readSavedRecord(
  store: Store,
  workflowId: string,
  runId: string,
): Promise<SavedRecord | undefined> {
  const found = await store.driver.readPointer(runRecordName(workflowId, runId));
  return found && (JSON.parse(found.text) as SavedRecord);
}

export async function readRunRecord(store: Store, workflowId: string, runId: string): Promise<RunRecord | undefined> {
  return (await readSavedRecord(store, workflowId, runId))?.record;
}

/** Every run that the store knows, in no order. */
export async function* listRunRecords(store: Store): AsyncGenerator<RunRecord> {
  for (const name of await store.driver.listPointers(runFolder)) {
    const found = await store.driver.readPointer(name);
    if (found) yield (JSON.parse(found.text) as SavedRecord).record;
  }
}
