import { z } from 'zod';
import { convnet2dParams } from '../networks/convnet2d.ts';
import { pooledCnnParams, pooledCnnProblems } from '../networks/pooledCnn.ts';
import { ridgeParams } from '../networks/ridge.ts';
import { trainingProblems } from '../networks/training.ts';
import { vitParams, vitProblems } from '../networks/vit.ts';
import { defineStage } from '../stage.ts';

const networks = [ridgeParams, convnet2dParams, pooledCnnParams, vitParams] as const;

/** What `model:` can say. */
export const networkNames: readonly string[] = networks.map((network) => network.shape.model.value);

export const trainParams = z
  .discriminatedUnion('model', networks, {
    error: (issue) => {
      const { model } = (issue.input ?? {}) as { model?: unknown };
      return issue.code === 'invalid_union'
        ? `Expected \`model\` to be one of ${networkNames.join(', ')}, got ${JSON.stringify(model)}`
        : undefined;
    },
  })
  .superRefine((given, check) => {
    if (given.model === 'ridge') return;
    const problems = [
      ...trainingProblems(given),
      ...(given.model === 'pooled-cnn' ? pooledCnnProblems(given) : []),
      ...(given.model === 'vit' ? vitProblems(given) : []),
    ];
    for (const { path, message } of problems) check.addIssue({ code: 'custom', path: [path], message });
  });

export type TrainParams = z.output<typeof trainParams>;
/** The networks that are trained in steps, and so leave checkpoints. */
export type SteppedTrainParams = Exclude<TrainParams, { model: 'ridge' }>;

export const train = defineStage({
  name: 'train',
  kind: 'pure',
  summary: `Trains a model (${networkNames.join(', ')}) on the training plots; goes on from its newest checkpoint after any interruption.`,
  params: trainParams,
  inputs: { features: { kind: 'features', count: 'one' } },
  output: 'model',
  usesSeed: true,
  usesTensorflow: true,
  work: 'training',
  // A ridge is solved in a moment, on one core.
  exclusive: (params) => params.model !== 'ridge',
});
