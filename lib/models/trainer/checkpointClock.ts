import { durationSeconds } from '../../../contract/duration.ts';
import type { Position } from './position.ts';

/** Tells when a checkpoint is due: so many epochs, or so much time, after the last one. */
export function checkpointClock(every: number | string, now: () => number = () => performance.now()) {
  let lastTime = now();
  return {
    isDue(position: Position, epochEnded: boolean): boolean {
      if (typeof every === 'number') return epochEnded && position.epoch % every === 0;
      return now() - lastTime >= durationSeconds(every) * 1000;
    },
    taken(): void {
      lastTime = now();
    },
  };
}
