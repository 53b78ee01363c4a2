import type { Json, JsonObject } from '../../contract/json.ts';
import type { HistoryRow, TrackedRun } from './trackedRun.ts';

/** Of what the least value is a training's best, and what it is called. */
const leastOf: Readonly<Record<string, string>> = {
  'val/mae': 'best/val_mae',
  'train/loss': 'best/train_loss',
};

/**
 * A run's summary, row by row: the last value of each metric, the best ones and their steps, and what the run says of itself, which
 * goes before the others.
 */
export function summaryOf(run: TrackedRun) {
  const last: Record<string, Json> = {};
  const best: Record<string, number> = {};
  return {
    add(row: HistoryRow): void {
      Object.assign(last, row);
      for (const [name, as] of Object.entries(leastOf)) {
        const value = row[name];
        if (typeof value !== 'number' || value >= (best[as] ?? Number.POSITIVE_INFINITY)) continue;
        best[as] = value;
        best[`${as}_step`] = row._step;
      }
    },
    values(): JsonObject {
      const runtime = Math.floor(Number(last._runtime ?? 0));
      return { ...last, ...best, _wandb: { runtime }, ...run.summary };
    },
  };
}
