import type { FitRow, RunLogRow } from '../../../contract/runLog.ts';
import type { HistoryRow } from '../trackedRun.ts';

/**
 * A training's run log as a tracker's history: one row a step. What the log says of the same step (its batch, the epoch that it
 * ends) becomes one row; a step that was there before is passed over. The row of the last step is given once the log has ended:
 * until then there may be more to it.
 *
 * @param lines of a run log; one that is no row (torn, of another version) is passed over
 * @param isWhole asked at the end: a log that goes on elsewhere keeps its last row to itself
 */
export async function* historyRows(
  lines: AsyncIterable<string>,
  isWhole: () => boolean = () => true,
): AsyncGenerator<HistoryRow> {
  let startedAt: number | undefined;
  let row: HistoryRow | undefined;
  for await (const line of lines) {
    const logged = parse(line);
    if (!logged) continue;
    const seconds = Date.parse(logged.time) / 1000;
    startedAt ??= seconds;
    if (logged.kind === 'start') continue;
    const step = logged.kind === 'fit' ? 0 : logged.step;
    if (row && step < row._step) continue;
    if (row && step > row._step) yield row;
    const stamps = { _step: step, _timestamp: seconds, _runtime: Math.max(0, seconds - startedAt) };
    row = { ...(row?._step === step && row), ...finite(valuesOf(logged)), ...stamps };
  }
  if (row && isWhole()) yield row;
}

/** The names that W&B's page groups by their first part. */
function valuesOf(row: Exclude<RunLogRow, { kind: 'start' }>): Record<string, number | undefined> {
  if (row.kind === 'fit') return { 'train/loss': row.loss, 'val/mae': row.val_mae, lambda: row.lambda };
  const place = { epoch: row.epoch, fold: row.fold };
  if (row.kind === 'epoch') {
    return {
      ...place,
      'epoch/loss': row.loss,
      'epoch/mae': row.mae,
      'val/mae': row.val_mae,
      'epoch/seconds': row.seconds,
      'epoch/images_per_second': row.images_per_second,
    };
  }
  return {
    ...place,
    'train/loss': row.loss,
    'train/mae': row.mae,
    learning_rate: row.learning_rate,
    gradient_norm: row.gradient_norm,
    images_per_second: row.images_per_second,
    'system/memory_mb': row.memory_mb,
    'system/cpu_percent': row.cpu_percent,
    'system/gpu_percent': row.gpu_percent,
    'system/gpu_memory_mb': row.gpu_memory_mb,
  };
}

function finite(values: Record<string, number | undefined>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, number] => Number.isFinite(entry[1])),
  );
}

const kinds: readonly unknown[] = ['start', 'step', 'epoch', 'fit'] satisfies RunLogRow['kind'][];

function parse(line: string): RunLogRow | undefined {
  try {
    const row = JSON.parse(line) as RunLogRow | FitRow | null;
    return row && kinds.includes(row.kind) && Number.isFinite(Date.parse(row.time)) ? row : undefined;
  } catch {
    return undefined;
  }
}
