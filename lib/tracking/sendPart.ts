import { join } from 'node:path';
import { FurrowError } from '../../contract/errors.ts';
import type { Tracking } from '../../contract/tracking.ts';
import type { TrackedPart } from './partsOf.ts';
import { followLines } from './rows/followLines.ts';
import { historyRows } from './rows/historyRows.ts';
import type { HistoryRow } from './trackedRun.ts';
import { writeOfflineRun } from './wandb/offline/writeOfflineRun.ts';
import { NotSent, sendOnce } from './wandb/startSender.ts';

export interface Destination {
  readonly mode: Exclude<Tracking['mode'], 'disabled'>;
  /** `mode: offline` writes below `wandb` in it. */
  readonly folder: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  /** Milliseconds that W&B may take nothing for. */
  readonly patienceMs: number;
  /** Why it takes nothing at the moment. */
  onTrouble?(message: string): void;
}

/**
 * Sends one part of what a run has to show, or writes it for `wandb sync`.
 *
 * @returns where it is shown
 * @throws FurrowError `TRACKING_NOT_SENT`
 */
export async function sendPart(part: TrackedPart, destination: Destination): Promise<string> {
  const { mode, folder, env = process.env, signal, patienceMs, onTrouble } = destination;
  const { run, images, madeElsewhere } = part;
  if (mode === 'offline')
    return writeOfflineRun({ folder: join(env.WANDB_DIR || folder, 'wandb'), run, rows: rowsOf(part), images });
  try {
    const task = { run, rows: part.rows, images, leaveIfComplete: madeElsewhere };
    const { address } = await sendOnce(task, { signal, patienceMs, env, ...(onTrouble && { onTrouble }) });
    return address;
  } catch (error) {
    if (!(error instanceof NotSent)) throw error;
    throw new FurrowError('TRACKING_NOT_SENT', `${run.name} is not at W&B yet: ${error.message}`);
  }
}

async function* rowsOf({ rows: { file, format } }: TrackedPart): AsyncGenerator<HistoryRow> {
  if (format === 'runLog') return yield* historyRows(followLines(file));
  for await (const line of followLines(file)) yield JSON.parse(line) as HistoryRow;
}
