/** configs/nitrogen.yaml, small enough for a minute, its trainings long enough to be met in the middle. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { WorkflowHandle } from '@temporalio/client';
import type { Json } from '../../contract/json.ts';
import type { TrainPipelineResult } from '../../contract/messages.ts';
import { productRoot } from '../../lib/code/root.ts';
import type { TestFurrow } from '../../test/harness/furrow.ts';
import { smallNitrogen } from '../../test/harness/pipelines.ts';

/** Those that are trained in steps, and so leave checkpoints. */
export const steppedStages = ['convnet', 'vit'] as const;
export type SteppedStage = (typeof steppedStages)[number];

/** What has to end with the same bytes, whatever happened on the way. */
export const models: readonly string[] = [...steppedStages, 'ridge', 'evaluate'];

/** Seconds: what a killed training does again, at most, but for the step and the checkpoint that are under way. */
export const checkpointEvery = 2;
/** Seconds. Loading TensorFlow takes two on a busy machine. */
export const stallTimeout = 4;

const overrides: Readonly<Record<string, Json>> = {
  ...smallNitrogen,
  'data.source': 'synthetic:plots?train=24&test=8&height=40&width=26',
  'convnet.filters': [16, 16],
  'convnet.batchSize': 8,
  'convnet.epochs': 800,
  'vit.epochs': 200,
  ...Object.fromEntries(
    steppedStages.flatMap((stage) => [
      [`${stage}.checkpointEvery`, `${checkpointEvery}s`],
      [`${stage}.stallTimeout`, `${stallTimeout}s`],
    ]),
  ),
};

/** @param store an absolute path */
export function startPipeline(furrow: TestFurrow, store: string): Promise<WorkflowHandle> {
  const text = readFileSync(join(productRoot, 'configs/nitrogen.yaml'), 'utf8');
  return furrow.start(text, { set: { ...overrides, store } });
}

export type Digests = Readonly<Record<string, string>>;

export function digestsOf({ stages }: TrainPipelineResult): Digests {
  return Object.fromEntries(Object.entries(stages).map(([name, { artifact }]) => [name, artifact.digest]));
}
