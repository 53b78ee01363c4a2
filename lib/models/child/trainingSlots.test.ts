import { afterEach, expect, it } from 'vitest';
import { allowTrainings, inTrainingSlot } from './trainingSlots.ts';

afterEach(() => allowTrainings(1));

const never = new AbortController().signal;

it.each([1, 2])('lets %i train at once, in the order in which they came', async (parallel) => {
  allowTrainings(parallel);
  let running = 0;
  let most = 0;
  const order: number[] = [];
  const train = (index: number) => async () => {
    order.push(index);
    most = Math.max(most, ++running);
    await new Promise((resolve) => setTimeout(resolve, 5));
    running--;
  };
  await Promise.all([0, 1, 2, 3, 4].map((index) => inTrainingSlot(never, () => {}, train(index))));
  expect(most).toBe(parallel);
  expect(order).toEqual([0, 1, 2, 3, 4]);
});

it('frees the slot of one that failed, and of one that was cancelled while it waited', async () => {
  const stop = new AbortController();
  const waits: string[] = [];
  const outcomes = Promise.allSettled([
    inTrainingSlot(
      never,
      () => waits.push('first'),
      () => Promise.reject(new Error('diverged')),
    ),
    inTrainingSlot(
      stop.signal,
      () => waits.push('second'),
      async () => 'trained',
    ),
    inTrainingSlot(
      never,
      () => waits.push('third'),
      async () => 'trained',
    ),
  ]);
  stop.abort(new Error('cancelled'));
  expect((await outcomes).map((outcome) => outcome.status)).toEqual(['rejected', 'rejected', 'fulfilled']);
  expect(waits).toEqual(['second', 'third']);
  expect(
    await inTrainingSlot(
      never,
      () => waits.push('late'),
      async () => 'free',
    ),
  ).toBe('free');
  expect(waits).not.toContain('late');
});
