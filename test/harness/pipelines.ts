/** Pipelines that several tests run. */
import type { WorkflowHandle } from '@temporalio/client';
import { pendingActivities } from './pending.ts';
import { until } from './until.ts';

/** What makes configs/nitrogen.yaml a matter of seconds, but for its plots. */
export const smallNitrogen = {
  'features.size': [40, 26],
  'convnet.filters': [8, 8],
  'convnet.epochs': 2,
  'vit.patch': [8, 13],
  'vit.width': 16,
  'vit.epochs': 3,
};

/** Long enough to be met in the middle: a checkpoint an epoch, some tens of milliseconds each. */
export const longTraining = (store: string) => `
name: small
seed: 3
store: ${store}
stages:
  data: { uses: fetchData, with: { source: 'synthetic:plots?train=12&test=4&height=40&width=26' } }
  features: { uses: preprocess, needs: [data], with: { bands: [green, red, red_edge, nir], target: filename, size: [40, 26] } }
  model:
    uses: train
    needs: [features]
    queue: train-gpu
    with: { model: convnet2d, filters: [8, 8], batchSize: 4, epochs: 150, checkpointEvery: 1, optimizer: { sgd: { lr: 0.01 } } }
`;

/** Waits until a checkpoint of the training is stored. */
export async function untilCheckpoint(handle: WorkflowHandle): Promise<void> {
  await until('a checkpoint', async () =>
    (await pendingActivities(handle)).some(({ heartbeat }) => (heartbeat?.checkpoint?.step ?? 0) > 0),
  );
}
