import { Refusal } from './refusal.ts';

/** Lets one through at a time. */
export interface Turnstile {
  pass<T>(act: () => Promise<T>): Promise<T>;
}

/**
 * One plot is decoded and predicted at a time: TensorFlow uses all cores for one, and large rasters must not add up in memory.
 * Whoever comes when `places` wait already is sent away to come back.
 */
export function turnstile(places: number): Turnstile {
  let waiting = 0;
  let last: Promise<unknown> = Promise.resolve();
  return {
    async pass(act) {
      if (waiting >= places) throw new Refusal(503, 'BUSY', 'Too many plots are waiting; try again in a moment');
      waiting++;
      const turn = last.then(act).finally(() => waiting--);
      last = turn.catch(() => {});
      return turn;
    },
  };
}
