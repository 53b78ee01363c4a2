import { expect, test } from 'vitest';
import { turnstile } from './turnstile.ts';

test('one passes at a time, in the order of arrival, and a failure does not stop the next', async () => {
  const gate = turnstile(10);
  const seen: string[] = [];
  const act = (name: string) => async () => {
    seen.push(`${name} in`);
    await new Promise((resolve) => setImmediate(resolve));
    seen.push(`${name} out`);
    if (name === 'b') throw new Error('b fails');
    return name;
  };
  const all = await Promise.allSettled(['a', 'b', 'c'].map((name) => gate.pass(act(name))));
  expect(seen).toEqual(['a in', 'a out', 'b in', 'b out', 'c in', 'c out']);
  expect(all.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
});

test('when all places are taken the next is sent away, and may come back', async () => {
  const gate = turnstile(2);
  let open = () => {};
  const closed = new Promise<void>((resolve) => {
    open = resolve;
  });
  const inside = [gate.pass(() => closed), gate.pass(() => closed)];
  await expect(gate.pass(async () => {})).rejects.toMatchObject({ status: 503, code: 'BUSY' });
  open();
  await Promise.all(inside);
  await expect(gate.pass(async () => 'in')).resolves.toBe('in');
});
