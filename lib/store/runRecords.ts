import { FurrowError } from '../../contract/errors.ts';
import type { RunRecord } from '../../contract/messages.ts';
import { runRecordName } from './names.ts';
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

export async function readRunRecord(store: Store, workflowId: string, runId: string): Promise<RunRecord | undefined> {
  const found = await store.driver.readPointer(runRecordName(workflowId, runId));
  return found && (JSON.parse(found.text) as { record: RunRecord }).record;
}
