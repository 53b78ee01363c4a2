/** What a stage of a run has made, in its store. */
import type { ArtifactFile } from '../contract/artifact.ts';
import { FurrowError } from '../contract/errors.ts';
import type { RunRecord, StageState } from '../contract/messages.ts';
import { readFinished } from '../lib/store/manifests.ts';
import type { Store } from '../lib/store/store.ts';
import { UsageError } from './output.ts';

export type Finished = StageState &
  Required<Pick<StageState, 'artifact' | 'key'>> & { store: NonNullable<RunRecord['store']> };

/** @throws UsageError for a stage that the run does not have; FurrowError `BLOB_MISSING` for one that has made nothing */
export function finishedStage(record: RunRecord | undefined, name: string, workflowId: string): Finished {
  const stage = record?.stages.find((candidate) => candidate.name === name);
  const names = record?.stages.map((candidate) => candidate.name).join(', ') || 'none that are known';
  if (!stage) throw new UsageError(`${workflowId} has no stage ${name}`, `Its stages: ${names}.`);
  const { artifact, key } = stage;
  if (artifact && key && record?.store) return { ...stage, artifact, key, store: record.store };
  throw new FurrowError('BLOB_MISSING', `${name} of ${workflowId} has made nothing: it is ${stage.status}`);
}

/** Logs and the like: kept with the result, outside its digest. */
export async function attachments(store: Store, { key, artifact }: Finished): Promise<readonly ArtifactFile[]> {
  const found = await readFinished(store, key);
  // Made again since, with another outcome: what was noted then is not about this one.
  return found?.artifact.digest === artifact.digest ? found.attachments : [];
}
