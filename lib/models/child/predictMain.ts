/** The predicting child's program. */
import { writeFile } from 'node:fs/promises';
import { type Features, openFeatures } from '../../data/features.ts';
import { floatsToBytes } from '../floats.ts';
import { type LoadedModel, loadModel } from '../predict.ts';
import { embeddedFile, type PredictTask, predictionsFile } from './predictTask.ts';
import { type Session, serveTask, stopped } from './serveTask.ts';

/** Plots that are in memory at once. */
const batch = 16;

serveTask<PredictTask, null>(async (task, session) => {
  const features = await openFeatures(task.features);
  const perModel = task.splits.reduce((sum, split) => sum + features.rows(split).length, 0);
  const total = task.models.length * (perModel + (task.embed?.rows.length ?? 0));
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
    if (task.embed && model.embed) {
      session.progress({ doing: 'looking at learned features', done, total });
      const { embed } = model;
      // It is for a figure alone: the predictions are worth more than that.
      const embedded = await embedPlots(embed, features, task.embed, session).catch((error: Error) => {
        session.warn(`What model ${index} learned to see is not known: ${error.message}`);
        return undefined;
      });
      if (embedded === stopped) return stopped;
      if (embedded) await writeFile(embeddedFile(task.output, index), embedded);
    }
    done += task.embed?.rows.length ?? 0;
    model.dispose();
  }
  return null;
});

async function embedPlots(
  embed: NonNullable<LoadedModel['embed']>,
  features: Features,
  { split, rows }: NonNullable<PredictTask['embed']>,
  session: Session,
): Promise<Uint8Array | typeof stopped> {
  const parts: Uint8Array[] = [];
  for (let from = 0; from < rows.length; from += batch) {
    if (session.stopRequested()) return stopped;
    parts.push(floatsToBytes(await embed(await features.readPlots(split, rows.slice(from, from + batch)))));
  }
  return Buffer.concat(parts);
}
