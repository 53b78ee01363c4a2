import type { Digest } from '../../../contract/artifact.ts';
import { isOpen, type RunRecord } from '../../../contract/messages.ts';
import { forEachBounded } from '../../parallel/bounded.ts';
import type { ObjectEntry } from '../driver.ts';
import { blobName, checkpointsFolder, manifestFolder, manifestName, runFolder, stagePointerFolder } from '../names.ts';
import type { Store } from '../store.ts';
import { referencesIn } from './references.ts';

/** Reads at once: enough to keep a disk or a bucket busy. */
export const parallelReads = 16;

export interface MarkOptions {
  /** Milliseconds since 1970: what was written or renewed since is in use. */
  readonly before: number;
  /** Records of runs that ended before this are forgotten; none without it. */
  readonly forgetRunsBefore: number | undefined;
}

/** What nothing reaches, at the versions that were seen. Blobs are for {@link markBlobs}, once these are gone. */
export interface Unreached {
  readonly runs: readonly ObjectEntry[];
  readonly manifests: readonly ObjectEntry[];
  readonly checkpoints: readonly ObjectEntry[];
}

/** Finds what no run's record, no alias and no recent use reaches. */
export async function mark(store: Store, options: MarkOptions): Promise<Unreached> {
  const { driver } = store;
  const runs: ObjectEntry[] = [];
  const keys = new Set<string>();
  const runIds = new Set<string>();
  await forEachBounded(await driver.pointerEntries(runFolder), parallelReads, async (entry) => {
    const text = (await driver.readPointer(entry.name))?.text ?? '';
    const record = recordIn(text);
    if (record && isForgotten(record, options.forgetRunsBefore)) return void runs.push(entry);
    // One that cannot be read keeps all that it names.
    for (const digest of referencesIn(text).digests) keys.add(digest);
    if (record) runIds.add(record.run.runId);
  });
  const named = new Set([...keys].map((key) => manifestName(key as Digest)));
  const manifests: ObjectEntry[] = [];
  const finished = new Set<string>();
  for (const entry of await driver.pointerEntries(manifestFolder)) {
    if (named.has(entry.name) || entry.at >= options.before) finished.add(entry.name);
    else manifests.push(entry);
  }
  return { runs, manifests, checkpoints: await unusedCheckpoints() };

  /** Of a key that no run names, or that is finished by now; young ones are of a training that goes on. */
  async function unusedCheckpoints(): Promise<ObjectEntry[]> {
    const unused: ObjectEntry[] = [];
    await forEachBounded(await driver.entries(checkpointsFolder), parallelReads, async (entry) => {
      if (entry.at >= options.before) return;
      const key: Digest = `sha256:${entry.name.slice(checkpointsFolder.length).split('/')[0]}`;
      const isOver = finished.has(manifestName(key));
      if (!isOver && (keys.has(key) || runIds.has(await runOf(entry.name)))) return;
      unused.push(entry);
    });
    return unused;
  }

  async function runOf(checkpoint: string): Promise<string> {
    const text = Buffer.from((await driver.read(checkpoint)) ?? []).toString('utf8');
    try {
      return (JSON.parse(text) as { runId?: string }).runId ?? '';
    } catch {
      return '';
    }
  }
}

/**
 * The names of all blobs that something in the store refers to: runs' records, results, checkpoints, aliases and versions of the
 * registry, and the files of the artifacts that these name.
 *
 * @param without what is to be seen as gone already
 */
export async function markBlobs(store: Store, without: ReadonlySet<string> = new Set()): Promise<Set<string>> {
  const { driver } = store;
  const reached = new Set<Digest>();
  const artifacts = new Set<Digest>();
  const add = (text: string) => {
    const found = referencesIn(text);
    for (const digest of found.digests) reached.add(digest);
    for (const digest of found.artifacts) artifacts.add(digest);
  };
  for (const folder of [runFolder, manifestFolder, stagePointerFolder]) {
    const names = (await driver.listPointers(folder)).filter((name) => !without.has(name));
    await forEachBounded(names, parallelReads, async (name) => add((await driver.readPointer(name))?.text ?? ''));
  }
  const checkpoints = (await driver.list(checkpointsFolder)).filter((name) => !without.has(name));
  await forEachBounded(checkpoints, parallelReads, async (name) =>
    add(Buffer.from((await driver.read(name)) ?? []).toString('utf8')),
  );
  await forEachBounded([...artifacts], parallelReads, async (digest) => {
    const tree = Buffer.from((await driver.read(blobName(digest))) ?? []).toString('utf8');
    for (const file of referencesIn(tree).digests) reached.add(file);
  });
  return new Set([...reached].map(blobName));
}

function recordIn(text: string): RunRecord | undefined {
  try {
    const { record } = JSON.parse(text) as { record?: RunRecord };
    return record?.run ? record : undefined;
  } catch {
    return undefined;
  }
}

/** One that goes on is kept whatever its age: it may be held, or paused. */
function isForgotten({ status, endedAt = '' }: RunRecord, before: number | undefined): boolean {
  return before !== undefined && !isOpen(status) && Date.parse(endedAt) < before;
}
