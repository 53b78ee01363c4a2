import { setTimeout as sleep } from 'node:timers/promises';
import { FurrowError } from '../../contract/errors.ts';

/** Enough for a dozen stages that end in the same second; each round at least one of them gets through. */
const rounds = 40;
/** Milliseconds; spread by chance so that losers of one race do not meet in the next. */
const longestPause = 25;

/**
 * Reads and swaps until no other writer came first. `attempt` must read what it decides on anew each time.
 *
 * @throws FurrowError `STORE_CONFLICT` when others came first {@link rounds} times in a row.
 */
export async function contend<T>(attempt: () => Promise<T>): Promise<T> {
  for (let round = 1; ; round++) {
    try {
      return await attempt();
    } catch (error) {
      const lost = error instanceof FurrowError && error.code === 'STORE_CONFLICT';
      if (!lost || round === rounds) throw error;
      await sleep(Math.random() * longestPause);
    }
  }
}
