import { durationSeconds } from '../../../contract/duration.ts';
import type { Position } from './position.ts';

/**
 * Tells when a checkpoint is due: so many epochs, or so much time, after the last one. It stays due until one is taken: while
 * the one before it is still on its way, none can be.
 */
export function checkpointClock(every: number | string, now: () => number = () => performance.now()) {
  let lastTime = now();
  let due = false;
  return {
    isDue(position: Position, epochEnded: boolean): boolean {
      due ||=
        typeof every === 'number'
          ? epochEnded && position.epoch % every === 0
          : now() - lastTime >= durationSeconds(every) * 1000;
      return due;
    },
    taken(): void {
      lastTime = now();
      due = false;
    },
  };
}
