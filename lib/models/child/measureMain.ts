/** The measuring child's program: takes some steps of a training on made-up plots, all of one size. */
import { writeFileSync } from 'node:fs';
import type { MeasuredStep } from '../estimate/measuredSteps.ts';
import { measureStep } from '../estimate/measureStep.ts';
import type { MeasuredNetwork, MeasureTask } from '../estimate/measureTask.ts';
import { loadTensorflow } from '../tensorflow.ts';
import { serveTask } from './serveTask.ts';

serveTask<MeasureTask, MeasuredStep & MeasuredNetwork>(async (task) => {
  dieFirst();
  return measureStep(await loadTensorflow(), task);
});

/** Should memory run out all the same, this process goes, and none that does something. */
function dieFirst(): void {
  try {
    writeFileSync('/proc/self/oom_score_adj', '1000');
  } catch {
    // not Linux
  }
}
