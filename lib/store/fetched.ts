import { randomUUID } from 'node:crypto';
import type { Digest } from '../../contract/artifact.ts';
import type { Fetched, StoredContent } from '../../contract/stage.ts';
import { forEachBounded } from '../parallel/bounded.ts';
import { hasBlob, putBlobFile, readBlob } from './blobs.ts';
import { digestOf } from './digest.ts';
import { blobName, fetchedFolder } from './names.ts';
import type { Store } from './store.ts';

/** What a killed process may have to fetch again. */
const flushEveryMs = 250;
/** So many lists are read in no time; more are made one. */
const mostLists = 32;
const parallelReads = 16;

/**
 * Which blobs hold what sources know under another name. A note says nothing that a later one could contradict: a name is of one
 * content. Its blob may be gone since; the note is of use again once it is fetched again.
 *
 * Notes lie in lists of some hundred, one object each: one by one they would take longer than fetching what they are about. A
 * process has all of them in memory once it asks, some 200 bytes each.
 */
export function fetchedOf(store: Store): Fetched {
  const { driver } = store;
  let index: Promise<Lists> | undefined;
  const lists = (): Promise<Lists> => {
    index ??= readLists(store);
    return index;
  };
  let pending: string[] = [];
  let timer: NodeJS.Timeout | undefined;
  let writing = Promise.resolve();
  let failure: unknown;

  function write(): void {
    clearTimeout(timer);
    timer = undefined;
    if (pending.length === 0) return;
    const lines = pending;
    pending = [];
    writing = writing.then(async () => {
      try {
        (await lists()).names.add(await writeList(store, lines));
      } catch (error) {
        // Told by the next flush; until then they are noted again with those that follow.
        failure = error;
        pending = [...lines, ...pending];
      }
    });
  }

  async function note(name: string, { digest, bytes }: StoredContent): Promise<void> {
    const { notes } = await lists();
    if (notes.has(name)) return;
    notes.set(name, { digest, bytes });
    pending.push(lineOf(name, { digest, bytes }));
    timer ??= setTimeout(write, flushEveryMs).unref();
  }

  return {
    note,
    async find(name) {
      return (await lists()).notes.get(name);
    },
    async keepPart(name, file, start, end) {
      const { notes } = await lists();
      await note(partName(notes, name, start), await putBlobFile(store, file, { start, end: end - 1 }));
    },
    async parts(name) {
      const { notes } = await lists();
      const parts: StoredContent[] = [];
      for (let from = 0; ; ) {
        const part = notes.get(partName(notes, name, from));
        if (!part || !(await hasBlob(store, part.digest, part.bytes))) return parts;
        parts.push(part);
        from += part.bytes;
      }
    },
    async giveUpParts(name) {
      const { notes } = await lists();
      await note(givenUp(name, timesGivenUp(notes, name)), { digest: digestOf(''), bytes: 0 });
    },
    read: ({ digest }) => readBlob(store, digest),
    async flush() {
      failure = undefined;
      write();
      await writing;
      if (failure !== undefined) throw failure;
      if (!index) return;
      const { names, notes } = await lists();
      if (names.size <= mostLists) return;
      const old = [...names];
      names.add(
        await writeList(
          store,
          [...notes].map(([name, content]) => lineOf(name, content)),
        ),
      );
      // Only once all that they say stands elsewhere.
      await forEachBounded(old, parallelReads, async (name) => void (await driver.remove(name)));
      for (const name of old) names.delete(name);
    },
  };
}

/**
 * Drops the notes about contents that the store does not hold any more, once a garbage collection has been.
 *
 * @param present names of blobs that are known to be there
 */
export async function forgetFetched(store: Store, present: ReadonlySet<string>): Promise<void> {
  const { names, notes } = await readLists(store);
  const kept: string[] = [];
  let dropped = false;
  await forEachBounded([...notes], parallelReads, async ([name, content]) => {
    const { digest, bytes } = content;
    if (present.has(blobName(digest)) || (await hasBlob(store, digest, bytes))) kept.push(lineOf(name, content));
    else dropped = true;
  });
  if (!dropped) return;
  if (kept.length > 0) await writeList(store, kept);
  await forEachBounded([...names], parallelReads, async (name) => void (await store.driver.remove(name)));
}

/** Notes are for good: parts that were given up are followed by others, under other names. */
function partName(notes: Lists['notes'], name: string, from: number): string {
  return `${name} from byte ${from}, after ${timesGivenUp(notes, name)}`;
}

function timesGivenUp(notes: Lists['notes'], name: string): number {
  let times = 0;
  while (notes.has(givenUp(name, times))) times++;
  return times;
}

function givenUp(name: string, time: number): string {
  return `${name} given up, ${time}`;
}

interface Lists {
  /** Of objects in the store. */
  readonly names: Set<string>;
  readonly notes: Map<string, StoredContent>;
}

async function readLists(store: Store): Promise<Lists> {
  for (;;) {
    const names = await store.driver.list(fetchedFolder);
    const notes = new Map<string, StoredContent>();
    let gone = false;
    await forEachBounded(names, parallelReads, async (name) => {
      const content = await store.driver.read(name);
      gone ||= content === undefined;
      for (const line of Buffer.from(content ?? [])
        .toString('utf8')
        .split('\n'))
        addNote(notes, line);
    });
    // Another process has made one of many in the meantime.
    if (!gone) return { names: new Set(names), notes };
  }
}

async function writeList(store: Store, lines: readonly string[]): Promise<string> {
  const name = `${fetchedFolder}${randomUUID()}`;
  await store.driver.create(name, new TextEncoder().encode(lines.join('')));
  return name;
}

function lineOf(name: string, { digest, bytes }: StoredContent): string {
  return `${JSON.stringify({ name, digest, bytes })}\n`;
}

function addNote(notes: Map<string, StoredContent>, line: string): void {
  try {
    const { name, digest, bytes } = JSON.parse(line);
    if (typeof name === 'string' && /^sha256:[0-9a-f]{64}$/.test(digest) && Number.isSafeInteger(bytes))
      notes.set(name, { digest: digest as Digest, bytes });
  } catch {
    // What cannot be read is as good as not there.
  }
}
