import type { HistoryRow, TrackedRun } from '../../../trackedRun.ts';

export const run: TrackedRun = {
  id: 'k3j9x0',
  name: 'nitrogen · convnet',
  project: 'nitrogen',
  entity: 'field-team',
  group: 'nitrogen',
  jobType: 'train',
  tags: ['vit', 'Äcker 🌾'],
  notes: 'Second "try",\nwith more rain',
  config: { lr: 0.001, model: 'convnet2d', patch: [32, 53], optimizer: { sgd: { lr: 0.001 } }, 'a.b': null },
  summary: { best: { mae: 11.5 }, 'test/mae': 12.25, loss: 0.125 },
  commit: '0123456789abcdef0123456789abcdef01234567',
  startedAt: '2026-03-04T05:06:07.089Z',
  state: 'finished',
};
const startSeconds = Date.parse(run.startedAt) / 1000;

export function row(step: number, values: Partial<HistoryRow> = {}): HistoryRow {
  return { _step: step, _timestamp: startSeconds + step, _runtime: step, loss: 1 / (step + 1), ...values };
}

export async function* rowsOf(...rows: readonly HistoryRow[]): AsyncGenerator<HistoryRow> {
  yield* rows;
}
