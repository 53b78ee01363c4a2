import { forEachBounded } from '../../parallel/bounded.ts';
import type { ObjectEntry, Swept } from '../driver.ts';
import { forgetFetched } from '../fetched.ts';
import { blobFolder, corruptFolder } from '../names.ts';
import { checkThere, type Store } from '../store.ts';
import { mark, markBlobs, parallelReads } from './mark.ts';

export interface CollectOptions {
  /** Milliseconds; what was written or used later is kept. See `lib/store/leases.ts` for how short it may be. */
  readonly minimumAge: number;
  /** Milliseconds; records of runs that ended longer ago are removed, too. All are kept without it. */
  readonly keepRuns?: number;
  /** Says what would be removed, and removes nothing. */
  readonly dryRun?: boolean;
  readonly now?: number;
  /** Each step, for people who wait. */
  onStep?(doing: string): void;
}

/** What was removed, or would be, by what it is. */
export interface Collected {
  readonly runs: Swept;
  readonly results: Swept;
  readonly checkpoints: Swept;
  readonly blobs: Swept;
  /** Files that were read wrong and set aside. */
  readonly corrupt: Swept;
  /** Unfinished writes and old values of pointers. */
  readonly leftovers: Swept;
  readonly kept: Swept;
}

/**
 * Removes what no run's record, alias, result or recent use reaches. Safe beside running work and other collections, and when it
 * is killed: what refers goes before what it refers to, each by the version that was looked at, and blobs are looked at again
 * once all that is to go before them has gone.
 */
export async function collectGarbage(store: Store, options: CollectOptions): Promise<Collected> {
  const { minimumAge, keepRuns, dryRun = false, now = Date.now(), onStep = () => {} } = options;
  const before = now - minimumAge;
  await checkThere(store);
  onStep('reading what runs, aliases and results refer to');
  const unreached = await mark(store, {
    before,
    forgetRunsBefore: keepRuns === undefined ? undefined : now - keepRuns,
  });
  const { driver } = store;
  const removeEach = async (entries: readonly ObjectEntry[], remove: (entry: ObjectEntry) => Promise<unknown>) => {
    let [count, bytes] = [0, 0];
    await forEachBounded(entries, parallelReads, async (entry) => {
      if (!dryRun && (await remove(entry)) === false) return;
      count++;
      bytes += entry.bytes;
    });
    return { count, bytes };
  };
  const pointer = ({ name, version }: ObjectEntry) => driver.removePointer(name, version);
  const object = ({ name, version }: ObjectEntry) => driver.remove(name, version);

  onStep('removing results that nobody uses');
  const runs = await removeEach(unreached.runs, pointer);
  const results = await removeEach(unreached.manifests, pointer);
  const checkpoints = await removeEach(unreached.checkpoints, object);

  onStep('looking for files that nothing refers to');
  const gone = Object.values(unreached).flatMap((entries: readonly ObjectEntry[]) => entries.map(({ name }) => name));
  const reached = await markBlobs(store, new Set(dryRun ? gone : []));
  const all = await driver.entries(blobFolder);
  const unused = all.filter(({ name, at }) => at < before && !reached.has(name));
  onStep(`removing ${unused.length} of ${all.length} files`);
  const blobs = await removeEach(unused, object);
  const corrupt = await removeEach(
    (await driver.entries(corruptFolder)).filter(({ at }) => at < before),
    object,
  );
  const taken = new Set(unused.map(({ name }) => name));
  const present = new Set(all.flatMap(({ name }) => (taken.has(name) ? [] : [name])));
  if (!dryRun) await forgetFetched(store, present);
  return {
    ...{ runs, results, checkpoints, blobs, corrupt },
    leftovers: await driver.sweep(before, !dryRun),
    kept: {
      count: all.length - blobs.count,
      bytes: all.reduce((sum, { bytes }) => sum + bytes, 0) - blobs.bytes,
    },
  };
}
