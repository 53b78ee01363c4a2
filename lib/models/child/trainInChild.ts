import { entryPoint } from '../../code/root.ts';
import { type ChildRun, runChild } from './runChild.ts';
import type { TrainResult, TrainTask } from './trainTask.ts';

/** Trains in a process of its own. */
export async function trainInChild(run: Omit<ChildRun, 'entry' | 'task'> & { task: TrainTask }): Promise<TrainResult> {
  return (await runChild({ ...run, entry: entryPoint('lib/models/child/trainMain.ts') })) as TrainResult;
}
