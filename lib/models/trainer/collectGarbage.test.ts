import { setTimeout as wait } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { collectGarbage } from './collectGarbage.ts';

it('collects what nobody holds, once it is time', async () => {
  const gone = new WeakRef({ big: new Array(1000).fill(0) });
  // What a WeakRef was made of lives to the end of its turn.
  await wait(1);
  collectGarbage(60_000);
  expect(gone.deref()).toBeDefined();
  await wait(1);
  collectGarbage(0);
  expect(gone.deref()).toBeUndefined();
});
