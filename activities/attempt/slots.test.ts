import { afterEach, expect, it } from 'vitest';
import { allowExclusive, inSlot } from './slots.ts';

afterEach(() => allowExclusive(1));

const never = new AbortController().signal;

it.each([1, 2])('lets %i run at once, in the order in which they came', async (parallel) => {
  allowExclusive(parallel);
  let running = 0;
  let most = 0;
  const order: number[] = [];
  const train = (index: number) => async () => {
    order.push(index);
    most = Math.max(most, ++running);
    await new Promise((resolve) => setTimeout(resolve, 5));
    running--;
  };
  await Promise.all([0, 1, 2, 3, 4].map((index) => inSlot(never, () => {}, train(index))));
  expect(most).toBe(parallel);
  expect(order).toEqual([0, 1, 2, 3, 4]);
});

it('frees the slot of one that failed, and of one that was cancelled while it waited', async () => {
  const stop = new AbortController();
  const waits: string[] = [];
  const outcomes = Promise.allSettled([
    inSlot(
      never,
      () => waits.push('first'),
      () => Promise.reject(new Error('diverged')),
    ),
    inSlot(
      stop.signal,
      () => waits.push('second'),
      async () => 'trained',
    ),
    inSlot(
      never,
      () => waits.push('third'),
      async () => 'trained',
    ),
  ]);
  stop.abort(new Error('cancelled'));
  expect((await outcomes).map((outcome) => outcome.status)).toEqual(['rejected', 'rejected', 'fulfilled']);
  expect(waits).toEqual(['second', 'third']);
  expect(
    await inSlot(
      never,
      () => waits.push('late'),
      async () => 'free',
    ),
  ).toBe('free');
  expect(waits).not.toContain('late');
});
