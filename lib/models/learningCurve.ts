/** How a network learned, epoch after epoch: a part of the model artifact, so without times, speeds and memory, which differ from run to run. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { modelFiles } from '../../contract/model.ts';
import type { EpochRow } from '../../contract/runLog.ts';

/** The columns, in order. */
const columns = ['fold', 'epoch', 'step', 'loss', 'mae', 'val_mae'] as const;

/** One epoch: `loss` in units of the standardised target, errors in the target's own. */
export interface LearnedEpoch {
  /** From 1; 1 without cross-validation. */
  readonly fold: number;
  /** From 1, in each fold. */
  readonly epoch: number;
  /** Steps finished, over all folds. */
  readonly step: number;
  readonly loss: number;
  readonly mae: number;
  readonly val_mae: number;
}

const lineFeed = 10;
const epochRow = Buffer.from('{"kind":"epoch"');

/** @param runLog as bytes, of which a long training's are more than a string can hold: only rows of epochs are made text of */
export function learningCurveCsv(runLog: Uint8Array): string {
  const lines = [columns.join(',')];
  for (let from = 0; from < runLog.length; ) {
    const end = runLog.indexOf(lineFeed, from);
    const to = end < 0 ? runLog.length : end;
    if (epochRow.equals(runLog.subarray(from, from + epochRow.length)))
      lines.push(line(JSON.parse(Buffer.from(runLog.subarray(from, to)).toString('utf8')) as EpochRow));
    from = to + 1;
  }
  return `${lines.join('\n')}\n`;
}

/** @returns nothing for a model without a learning curve: ridge, or one that was made elsewhere */
export async function readLearningCurve(folder: string): Promise<readonly LearnedEpoch[]> {
  const text = await readFile(join(folder, modelFiles.learningCurve), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const [, ...lines] = text.split('\n').filter((each) => each !== '');
  return lines.map((each) => {
    const [fold, epoch, step, loss, mae, valMae] = each.split(',').map(Number);
    return { fold, epoch, step, loss, mae, val_mae: valMae } as LearnedEpoch;
  });
}

/** Seven digits, as in predictions.csv. */
function line(row: EpochRow): string {
  const curve: LearnedEpoch = { ...row, fold: row.fold ?? 1 };
  return columns.map((name) => String(Number(curve[name].toPrecision(name === 'step' ? 16 : 7)))).join(',');
}
