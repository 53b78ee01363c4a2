import type { StageProgress } from '../../../contract/stage.ts';

/** Reports of bytes under way: as often as a person can read them. */
const everyMs = 250;

export interface FetchProgress {
  /** The same bytes, told as they come. */
  counted(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
  /** An object is in the artifact; `there`: the store had it already. */
  finished(bytes: number, from: 'fetched' | 'there'): void;
  sums(): { readonly bytes: number; readonly fetchedBytes: number };
}

/** What a fetch has done and has before it, in bytes and seconds. */
export function fetchProgress(
  report: (update: StageProgress) => void,
  objects: readonly { readonly bytes?: number }[],
): FetchProgress {
  const started = performance.now();
  const total = objects.reduce((sum, { bytes = 0 }) => sum + bytes, 0);
  let [done, doneBytes, fetchedBytes, underWay] = [0, 0, 0, 0];
  let reported = 0;
  const tell = (): void => {
    reported = performance.now();
    const bytes = doneBytes + underWay;
    const seconds = (reported - started) / 1000;
    const came = fetchedBytes + underWay;
    report({
      doing: `fetching, ${megabytes(bytes)}${total > 0 ? ` of ${megabytes(total)}` : ''} MB`,
      done,
      total: objects.length,
      metrics: { bytes },
      ...(came > 0 && total >= bytes && { secondsLeft: ((total - bytes) / came) * seconds }),
    });
  };
  return {
    async *counted(body) {
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
    finished(bytes, from) {
      done++;
      doneBytes += bytes;
      if (from === 'fetched') fetchedBytes += bytes;
      tell();
    },
    sums: () => ({ bytes: doneBytes, fetchedBytes }),
  };
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
