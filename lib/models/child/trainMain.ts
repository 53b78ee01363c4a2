/** The training child's program. */

import { serveTask, stopped } from './serveTask.ts';
import type { TrainResult, TrainTask } from './trainTask.ts';
import { claimWork } from './workClaim.ts';

serveTask<TrainTask, TrainResult>(async (task, session) => {
  const release = await claimWork(task.work, {
    onWait: (pid) => session.progress({ doing: `waiting for the process before it (${pid}) to end` }),
    stopRequested: session.stopRequested,
  });
  try {
    if (session.stopRequested()) return stopped;
    if (task.params.model === 'ridge') {
      const { trainLinear } = await import('./trainLinear.ts');
      return await trainLinear(task, task.params, session);
    }
    const { trainSteps } = await import('./trainSteps.ts');
    return await trainSteps(task, task.params, session);
  } finally {
    await release();
  }
});
