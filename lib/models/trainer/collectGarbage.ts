import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** 5 to 10 ms each: less than 0.2 % of the time of the smallest steps that TensorFlow is worth loading for. */
const everySteps = 100;

let collect: (() => void) | undefined;

/**
 * Collects JavaScript's heap now and then. Left to itself V8 does so when the heap has grown by tens of megabytes: what a step
 * leaves is small beside its tensors, which V8 does not see, but over a thousand steps it adds up.
 *
 * @param step steps finished
 */
export function collectGarbage(step: number): void {
  if (step % everySteps !== everySteps - 1) return;
  if (!collect) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
  }
  collect();
}
