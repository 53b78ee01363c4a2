import { expect, it } from 'vitest';
import { restartWaits } from './restartWait.ts';

it('waits twice as long each time for what keeps ending, up to 15 s, and is quick again for what had been up', () => {
  const waitFor = restartWaits();
  expect([0, 100, 0, 0, 0, 0, 0].map(waitFor)).toEqual([500, 1000, 2000, 4000, 8000, 15_000, 15_000]);
  expect([70_000, 0].map(waitFor)).toEqual([500, 1000]);
});
