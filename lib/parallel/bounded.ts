/**
 * Runs `act` over `items`, at most `limit` at once. The first failure stops new ones from starting, is waited out by those
 * that run, and is thrown. Items that come one after another are asked for when there is room for one.
 */
export async function forEachBounded<T>(
  items: readonly T[] | AsyncIterable<T>,
  limit: number,
  act: (item: T, index: number) => Promise<void>,
): Promise<void> {
  const iterator = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  let next = 0;
  const failures: unknown[] = [];
  const lane = async () => {
    try {
      while (failures.length === 0) {
        const { value, done } = await iterator.next();
        if (done) return;
        await act(value, next++);
      }
    } catch (error) {
      failures.push(error);
    }
  };
  await Promise.all(Array.from({ length: 'length' in items ? Math.min(limit, items.length) : limit }, lane));
  if (failures.length === 0) return;
  await iterator.return?.();
  throw failures[0];
}
