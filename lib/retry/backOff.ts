import { setTimeout as wait } from 'node:timers/promises';

/**
 * Waits before another try: twice as long after each failure, and spread out, so that many that failed together do not come back
 * together.
 *
 * @param failures in a row, 1 or more
 * @param firstMs after the first one, about
 */
export function backOff(failures: number, firstMs: number, signal: AbortSignal | undefined): Promise<void> {
  return wait(firstMs * 2 ** (failures - 1) * (0.5 + Math.random()), undefined, { signal });
}
