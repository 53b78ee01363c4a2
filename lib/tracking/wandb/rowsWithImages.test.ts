import { expect, it } from 'vitest';
import type { HistoryRow } from '../trackedRun.ts';
import { rowsWithImages, type ShownImage } from './rowsWithImages.ts';

const image = (key: string, step: number): ShownImage => ({ key, step, value: { path: `${key}${step}` } });
const row = (step: number): HistoryRow => ({ _step: step, _timestamp: 1000 + step, _runtime: step, loss: step / 10 });
const path = (path: string) => ({ path });

async function merged(steps: readonly number[], images: readonly ShownImage[]): Promise<HistoryRow[]> {
  const given = async function* () {
    for (const step of steps) yield row(step);
  };
  const rows: HistoryRow[] = [];
  for await (const row of rowsWithImages(given(), images, 999)) rows.push(row);
  return rows;
}

it('puts every image into the row of its step, in whatever order they come', async () => {
  expect(await merged([0, 1, 5], [image('b', 5), image('a', 1), image('c', 5)])).toEqual([
    row(0),
    { ...row(1), a: path('a1') },
    { ...row(5), b: path('b5'), c: path('c5') },
  ]);
});

it('gives images of a step without a row one of their own, in its place', async () => {
  const images = [image('late', 9), image('between', 3), image('a', 5), image('early', 0), image('between', 4)];
  expect(await merged([1, 5], images)).toEqual([
    { _step: 0, _timestamp: 999, _runtime: 0, early: path('early0') },
    row(1),
    { _step: 3, _timestamp: 1001, _runtime: 1, between: path('between3') },
    { _step: 4, _timestamp: 1001, _runtime: 1, between: path('between4') },
    { ...row(5), a: path('a5') },
    { _step: 9, _timestamp: 1005, _runtime: 5, late: path('late9') },
  ]);
});

it('shows the images of a run without rows', async () => {
  expect(await merged([], [image('a', 2)])).toEqual([{ _step: 2, _timestamp: 999, _runtime: 0, a: path('a2') }]);
});
