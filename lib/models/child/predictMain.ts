/** The predicting child's program. */
import { writeFile } from 'node:fs/promises';
import { openFeatures } from '../../data/features.ts';
import { floatsToBytes } from '../floats.ts';
import { loadModel } from '../predict.ts';
import { type PredictTask, predictionsFile } from './predictTask.ts';
import { serveTask, stopped } from './serveTask.ts';

/** Plots that are in memory at once. */
const batch = 16;

serveTask<PredictTask, null>(async (task, session) => {
  const features = await openFeatures(task.features);
  const total = task.models.length * task.splits.reduce((sum, split) => sum + features.rows(split).length, 0);
  let done = 0;
  for (const [index, folder] of task.models.entries()) {
    const model = await loadModel(folder);
    for (const split of task.splits) {
      const plots = features.rows(split).length;
      const predictions = new Float32Array(plots);
      for (let from = 0; from < plots; from += batch) {
        if (session.stopRequested()) return stopped;
        const to = Math.min(plots, from + batch);
        predictions.set(await model.predict(await features.readPlots(split, { from, to })), from);
        done += to - from;
        session.progress({ doing: `predicting ${split} plots`, done, total });
      }
      await writeFile(predictionsFile(task.output, index, split), floatsToBytes(predictions));
    }
    model.dispose();
  }
  return null;
});
