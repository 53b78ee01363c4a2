import type { StageProgress } from '../../../contract/stage.ts';

/** Reports of bytes under way: as often as a person can read them. */
const everyMs = 250;

export interface FetchProgress {
  /**
   * The same bytes, told as they come.
   *
   * @param length how many they will be, where that is known by now
   */
  counted(body: AsyncIterable<Uint8Array>, length: number | undefined): AsyncIterable<Uint8Array>;
  /** An object is in the artifact; the store had what was not fetched. */
  finished(bytes: number, fetchedBytes: number): void;
  sums(): { readonly bytes: number; readonly fetchedBytes: number };
}

/** What a fetch has done and has before it, in bytes and seconds. */
export function fetchProgress(
  report: (update: StageProgress) => void,
  objects: readonly { readonly bytes?: number }[],
): FetchProgress {
  const started = performance.now();
  // NaN while the length of any of them is not known: then the time left is told by their number.
  let total = objects.reduce((sum, { bytes = Number.NaN }) => sum + bytes, 0);
  let [done, doneBytes, fetchedBytes, underWay] = [0, 0, 0, 0];
  let reported = 0;
  const tell = (): void => {
    reported = performance.now();
    const bytes = doneBytes + underWay;
    const seconds = (reported - started) / 1000;
    const left = total > 0 ? (total - bytes) / (fetchedBytes + underWay) : (objects.length - done) / done;
    report({
      doing: `fetching, ${megabytes(bytes)}${total > 0 ? ` of ${megabytes(total)}` : ''} MB`,
      done,
      total: objects.length,
      metrics: { bytes },
      ...(Number.isFinite(left) && left >= 0 && { secondsLeft: left * seconds }),
    });
  };
  return {
    async *counted(body, length) {
      if (objects.length === 1 && length !== undefined) total = length;
      let own = 0;
      try {
        for await (const chunk of body) {
          own += chunk.length;
          underWay += chunk.length;
          if (performance.now() - reported > everyMs) tell();
          yield chunk;
        }
      } finally {
        // Finished by now, or to come again.
        underWay -= own;
      }
    },
    finished(bytes, fetched) {
      done++;
      doneBytes += bytes;
      fetchedBytes += fetched;
      tell();
    },
    sums: () => ({ bytes: doneBytes, fetchedBytes }),
  };
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
