import { mkdir, readFile } from 'node:fs/promises';
import type { Split } from '../../../contract/features.ts';
import { entryPoint } from '../../code/root.ts';
import { floatsOf } from '../floats.ts';
import { type PredictTask, predictionsFile } from './predictTask.ts';
import { type ChildRun, runChild } from './runChild.ts';

/** `[plots]` by split, in the target's unit. */
export type Predictions = Readonly<Partial<Record<Split, Float32Array>>>;

/** Predicts in a process of its own; one entry for each model, in their order. */
export async function predictInChild(
  run: Omit<ChildRun, 'entry' | 'task'> & { task: PredictTask },
): Promise<Predictions[]> {
  const { models, splits, output } = run.task;
  await mkdir(output, { recursive: true });
  await runChild({ ...run, entry: entryPoint('lib/models/child/predictMain.ts') });
  return Promise.all(
    models.map(async (_, model) => {
      const read = async (split: Split) => {
        const bytes = await readFile(predictionsFile(output, model, split));
        return [split, floatsOf(bytes, 0, bytes.length / 4)] as const;
      };
      return Object.fromEntries(await Promise.all(splits.map(read))) as Predictions;
    }),
  );
}
