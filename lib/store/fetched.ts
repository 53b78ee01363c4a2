import type { Digest } from '../../contract/artifact.ts';
import type { Fetched, StoredContent } from '../../contract/stage.ts';
import { digestOf } from './digest.ts';
import { fetchedName } from './names.ts';
import type { Store } from './store.ts';

/**
 * Which blobs hold what sources know under another name. A note is written after its blob and says nothing that a later one could
 * contradict: a name is of one content. The blob may be gone since, as `furrow gc` removes them; the note is of use again once it is
 * fetched again.
 */
export function fetchedOf(store: Store): Fetched {
  return {
    async find(name) {
      const note = await store.driver.read(fetchedName(digestOf(name)));
      return note && parseNote(note);
    },
    async note(name, { digest, bytes }) {
      const note = new TextEncoder().encode(`${JSON.stringify({ name, digest, bytes })}\n`);
      await store.driver.create(fetchedName(digestOf(name)), note);
    },
  };
}

function parseNote(note: Uint8Array): StoredContent | undefined {
  try {
    const { digest, bytes } = JSON.parse(Buffer.from(note).toString('utf8'));
    if (/^sha256:[0-9a-f]{64}$/.test(digest) && Number.isSafeInteger(bytes)) return { digest: digest as Digest, bytes };
  } catch {
    // falls through: what cannot be read is as good as not there
  }
  return undefined;
}
