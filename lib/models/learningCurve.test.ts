import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { learningCurveCsv, readLearningCurve } from './learningCurve.ts';
import { temporaryFolder } from './testing/temporaryFolder.ts';
import { RunLog } from './trainer/runLog.ts';

const folder = temporaryFolder();

/** As two attempts at a training leave it, with times and speeds that no other pair would have. */
function runLogOf({ fold, speed }: { fold?: number; speed: number }): Uint8Array {
  const log = new RunLog();
  const time = new Date(Date.UTC(2024, 0, 1) + speed).toISOString();
  const machine = { images_per_second: speed, memory_mb: speed, time };
  const place = (step: number, epoch: number) => ({ step, ...(fold && { fold }), epoch });
  log.append({ kind: 'start', time, network: 'vit', plots: 8, step: 0 });
  log.append({ kind: 'step', ...place(1, 1), loss: 2, mae: 90, learning_rate: 0.1, ...machine });
  log.append({
    kind: 'epoch',
    ...place(1, 1),
    loss: 2,
    mae: 90,
    val_mae: 100 / 3,
    best: true,
    seconds: speed,
    ...machine,
  });
  log.append({ kind: 'start', time, network: 'vit', plots: 8, step: 1 });
  log.append({ kind: 'epoch', ...place(2, 2), loss: 1e-9, mae: 0, val_mae: 41, best: false, seconds: 1, ...machine });
  return log.bytes();
}

const header = 'fold,epoch,step,loss,mae,val_mae\n';

describe('a learning curve', () => {
  it('has a line for each epoch, and nothing of the machine or the time', () => {
    expect(learningCurveCsv(runLogOf({ speed: 3 }))).toBe(`${header}1,1,1,2,90,33.33333\n1,2,2,1e-9,0,41\n`);
    expect(learningCurveCsv(runLogOf({ speed: 4 }))).toBe(learningCurveCsv(runLogOf({ speed: 3 })));
  });

  it('says which fold an epoch was of', () => {
    expect(learningCurveCsv(runLogOf({ speed: 3, fold: 5 })).split('\n')[1]).toBe('5,1,1,2,90,33.33333');
  });

  it('of a training without epochs is its header', () => {
    expect(learningCurveCsv(new Uint8Array())).toBe(header);
  });

  it('is read as it was written', async () => {
    await writeFile(join(folder, 'learning-curve.csv'), learningCurveCsv(runLogOf({ speed: 3 })));
    expect(await readLearningCurve(folder)).toEqual([
      { fold: 1, epoch: 1, step: 1, loss: 2, mae: 90, val_mae: 33.33333 },
      { fold: 1, epoch: 2, step: 2, loss: 1e-9, mae: 0, val_mae: 41 },
    ]);
  });

  it('is nothing where a model has none', async () => {
    expect(await readLearningCurve(join(folder, 'ridge'))).toEqual([]);
  });
});
