/** The measuring child's program: takes steps of a training on made-up plots, and says how long they took and how much memory. */
import { writeFileSync } from 'node:fs';
import { nextBatch } from '../estimate/measuredSteps.ts';
import { measureStep } from '../estimate/measureStep.ts';
import type { MeasureTask } from '../estimate/measureTask.ts';
import { loadTensorflow } from '../tensorflow.ts';
import { serveTask, stopped } from './serveTask.ts';

serveTask<MeasureTask, null>(async (task, session) => {
  dieFirst();
  session.progress({ doing: 'loading TensorFlow' });
  const tf = await loadTensorflow();
  const steps = [];
  const started = performance.now();
  for (;;) {
    const seconds = task.seconds - (performance.now() - started) / 1000;
    const plots = nextBatch(steps, { target: task.target, bytes: task.bytes, seconds });
    if (plots === undefined) return null;
    session.progress({ doing: `steps of ${plots} plots` });
    const measured = await measureStep(tf, task, { plots, seconds });
    steps.push(measured);
    session.progress({ doing: `steps of ${plots} plots`, metrics: { ...measured } });
    if (session.stopRequested()) return stopped;
    // Messages leave, and arrive, between two batch sizes.
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
});

/** Should memory run out all the same, this process goes, and none that does something. */
function dieFirst(): void {
  try {
    writeFileSync('/proc/self/oom_score_adj', '1000');
  } catch {
    // not Linux
  }
}
