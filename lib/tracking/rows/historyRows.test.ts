import { describe, expect, it } from 'vitest';
import type { HistoryRow } from '../trackedRun.ts';
import { historyRows } from './historyRows.ts';

const at = (second: number) => new Date(Date.UTC(2026, 0, 1) + second * 1000).toISOString();
const start = (step: number, second: number) => ({ kind: 'start', step, time: at(second), network: 'vit', plots: 8 });
const step = (number: number, second = number, more = {}) => ({
  ...{ kind: 'step', step: number, epoch: 1, loss: 1 / number, mae: 10, learning_rate: 0.1, images_per_second: 5 },
  ...{ memory_mb: 100, cpu_percent: 190, time: at(second) },
  ...more,
});
const epoch = (number: number, second = number) => ({
  ...{ kind: 'epoch', step: number, epoch: 1, loss: 0.5, mae: 9, val_mae: 8, best: true, images_per_second: 5 },
  ...{ memory_mb: 100, seconds: 2, time: at(second) },
});

async function rowsOf(log: readonly (object | string)[], isWhole = true): Promise<HistoryRow[]> {
  async function* lines() {
    for (const row of log) yield typeof row === 'string' ? row : JSON.stringify(row);
  }
  const rows: HistoryRow[] = [];
  for await (const row of historyRows(lines(), () => isWhole)) rows.push(row);
  return rows;
}

describe('the rows of a run log', () => {
  it('are one a step, with the epoch that it ends, and when it was', async () => {
    const rows = await rowsOf([start(0, 0), step(1), step(2), epoch(2, 3), step(3, 4)]);
    expect(rows.map(({ _step, _runtime }) => [_step, _runtime])).toEqual([
      [1, 1],
      [2, 3],
      [3, 4],
    ]);
    expect(rows[1]).toMatchObject({ 'train/loss': 0.5, 'val/mae': 8, 'system/cpu_percent': 190, epoch: 1 });
    expect(rows[0]?._timestamp).toBe(Date.UTC(2026, 0, 1) / 1000 + 1);
    expect(rows[0]).not.toHaveProperty('val/mae');
  });

  it('are one a step after resumes, too, and count from the first start', async () => {
    const log = [start(0, 0), step(1), step(2), start(2, 100), step(2, 101), step(3, 102)];
    expect((await rowsOf(log)).map(({ _step, _runtime }) => [_step, _runtime])).toEqual([
      [1, 1],
      [2, 101],
      [3, 102],
    ]);
    // Steps back in time are steps that were there.
    expect((await rowsOf([...log, step(1, 103)])).map(({ _step }) => _step)).toEqual([1, 2, 3]);
  });

  it('are no longer than the log where lines are torn, empty or of another version', async () => {
    const log = [step(1), '', '{"kind":"step","st', '[]', 'null', '{"kind":"hologram","time":"x"}', step(2)];
    expect((await rowsOf(log)).map(({ _step }) => _step)).toEqual([1, 2]);
  });

  it('leave out what is no finite number', async () => {
    const [row] = await rowsOf([step(1, 1, { loss: null, gradient_norm: undefined })]);
    expect(row).not.toHaveProperty('train/loss');
    expect(row).not.toHaveProperty('gradient_norm');
  });

  it('keep the last one back while there may be more to it', async () => {
    expect((await rowsOf([step(1), step(2)], false)).map(({ _step }) => _step)).toEqual([1]);
  });

  it('of a model that is solved for are one', async () => {
    const fit = { kind: 'fit', lambda: 0.5, loss: 2, val_mae: 3, time: at(1) };
    expect(await rowsOf([fit])).toMatchObject([{ _step: 0, 'train/loss': 2, 'val/mae': 3, lambda: 0.5 }]);
  });
});
