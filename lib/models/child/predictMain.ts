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
      const { embed, description } = model;
      const predicted = done;
      const onPlots = (plots: number) =>
        session.progress({ doing: 'looking at learned features', done: predicted + plots, total });
      // It is for a figure alone: the predictions are worth more than that.
      const embedded = await embedPlots({ embed, features, ...task.embed, session, onPlots }).catch((error: Error) => {
        session.warn(`what the ${description.network} learned to see is not known, nor drawn: ${error.message}`);
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

interface Embedding extends NonNullable<PredictTask['embed']> {
  readonly embed: NonNullable<LoadedModel['embed']>;
  readonly features: Features;
  readonly session: Session;
  onPlots(done: number): void;
}

async function embedPlots(embedding: Embedding): Promise<Uint8Array | typeof stopped> {
  const { embed, features, split, rows, session, onPlots } = embedding;
  const parts: Uint8Array[] = [];
  for (let from = 0; from < rows.length; from += batch) {
    if (session.stopRequested()) return stopped;
    onPlots(from);
    parts.push(floatsToBytes(await embed(await features.readPlots(split, rows.slice(from, from + batch)))));
  }
  return Buffer.concat(parts);
}
