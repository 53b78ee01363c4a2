import { describe, expect, it } from 'vitest';
import { checkpointClock } from './checkpointClock.ts';
import { startPosition } from './position.ts';

describe('the next checkpoint', () => {
  it('is due after the time, wherever in an epoch that is, and counts from the last one taken', () => {
    let now = 0;
    const clock = checkpointClock('30s', () => now);
    now = 29_999;
    expect(clock.isDue(startPosition, false)).toBe(false);
    now = 30_000;
    expect(clock.isDue(startPosition, false)).toBe(true);
    now = 45_000;
    expect(clock.isDue(startPosition, false)).toBe(true);
    clock.taken();
    now = 74_999;
    expect(clock.isDue(startPosition, true)).toBe(false);
  });

  it('is due at the end of every so many epochs', () => {
    const clock = checkpointClock(2);
    expect(clock.isDue({ ...startPosition, epoch: 1 }, true)).toBe(false);
    expect(clock.isDue({ ...startPosition, epoch: 2 }, true)).toBe(true);
    clock.taken();
    expect(clock.isDue({ ...startPosition, epoch: 2, stepInEpoch: 1 }, false)).toBe(false);
    expect(clock.isDue({ ...startPosition, epoch: 3 }, true)).toBe(false);
    expect(clock.isDue({ ...startPosition, epoch: 4 }, true)).toBe(true);
  });

  it.each([2, '30s'])('stays due until one is taken, at any later step (every %s)', (every) => {
    let now = 0;
    const clock = checkpointClock(every, () => now);
    now = 30_000;
    expect(clock.isDue({ ...startPosition, epoch: 2 }, true)).toBe(true);
    expect(clock.isDue({ ...startPosition, epoch: 2, stepInEpoch: 1 }, false)).toBe(true);
    expect(clock.isDue({ ...startPosition, epoch: 3 }, true)).toBe(true);
    clock.taken();
    expect(clock.isDue({ ...startPosition, epoch: 3, stepInEpoch: 1 }, false)).toBe(false);
  });
});
