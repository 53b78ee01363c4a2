import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** A collection takes 5 to 10 ms: 0.2 % of the time. */
const everyMs = 5_000;

let collect: (() => void) | undefined;
let last = performance.now();

/**
 * Collects JavaScript's heap now and then. Left to itself V8 does so when the heap has grown by tens of megabytes: what a step
 * leaves is small beside its tensors, which V8 does not see, but over a thousand steps it adds up.
 */
export function collectGarbage(every = everyMs): void {
  if (performance.now() - last < every) return;
  if (!collect) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
  }
  collect();
  last = performance.now();
}
