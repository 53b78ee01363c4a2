import { entryPoint } from '../../code/root.ts';
import { whatToLower } from '../estimate/whatToLower.ts';
import { type ChildRun, runChild } from './runChild.ts';
import type { TrainResult, TrainTask } from './trainTask.ts';
import { dropDeadClaim } from './workClaim.ts';

/** Trains in a process of its own. */
export async function trainInChild(run: Omit<ChildRun, 'entry' | 'task'> & { task: TrainTask }): Promise<TrainResult> {
  const { params } = run.task;
  const entry = entryPoint('lib/models/child/trainMain.ts');
  try {
    return (await runChild({ ...run, entry, lower: whatToLower(params) })) as TrainResult;
  } finally {
    await dropDeadClaim(run.task.work);
  }
}
