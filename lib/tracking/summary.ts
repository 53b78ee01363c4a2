import type { JsonObject } from '../../contract/json.ts';
import type { HistoryRow } from './trackedRun.ts';

/** Of which rows the least value is a training's best, and what it is called. */
const leastOf: Readonly<Record<string, string>> = {
  'val/mae': 'best/val_mae',
  'train/loss': 'best/train_loss',
};

/** Collects, row by row, what a run's summary says beside the newest values: its best ones, and where they were. */
export function bestValues() {
  let best: JsonObject = {};
  return {
    add(row: HistoryRow): void {
      for (const [name, as] of Object.entries(leastOf)) {
        const value = row[name];
        const known = best[as];
        if (typeof value !== 'number' || (typeof known === 'number' && known <= value)) continue;
        best = { ...best, [as]: value, [`${as}_step`]: row._step };
      }
    },
    get values(): JsonObject {
      return best;
    },
  };
}
