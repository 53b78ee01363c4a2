import { limited } from '../../lib/parallel/limited.ts';

/** Exclusive stages that may run at once in this process: each takes the whole GPU, or all cores, and gigabytes. */
let inTurn = limited(1);

/** For `--parallel-trainings`; before the first one. */
export function allowExclusive(parallel: number): void {
  inTurn = limited(parallel);
}

/**
 * Runs `act` when a slot is free, whatever queue its task came from.
 *
 * @param onWait told once when it has to wait
 */
export function inSlot<T>(signal: AbortSignal, onWait: () => void, act: () => Promise<T>): Promise<T> {
  return inTurn(act, { signal, onWait });
}
