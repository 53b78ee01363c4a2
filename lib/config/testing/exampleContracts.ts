import { z } from 'zod';
import { operational, result } from '../../../contract/params.ts';
import { defineStage, type StageContract } from '../../../contract/stage.ts';

/** Stages shaped like those that pipelines use, with every form that parameters take. For tests of this folder alone. */
const fetchData = defineStage({
  name: 'fetchData',
  kind: 'source',
  summary: 'Fetches plots.',
  params: z.strictObject({
    source: result(z.string().min(1).describe('Where the plots are.')),
    headers: operational(z.record(z.string(), z.string()).default({})),
  }),
  inputs: {},
  output: 'plots',
  work: 'transfer',
});

const preprocess = defineStage({
  name: 'preprocess',
  kind: 'pure',
  summary: 'Makes features of plots.',
  params: z.strictObject({
    bands: result(
      z
        .array(z.enum(['green', 'red', 'red_edge', 'nir']))
        .min(1)
        .default(['green', 'red', 'red_edge', 'nir']),
    ),
    target: result(z.string().default('filename')),
    size: result(z.tuple([z.int().min(1), z.int().min(1)]).default([160, 106])),
    fraction: result(z.number().gt(0).lt(1).default(0.2)),
    augment: result(z.boolean().default(false)),
  }),
  inputs: { plots: { kind: 'plots', count: 'one' } },
  output: 'features',
  usesSeed: true,
});

const optimizer = z.union([
  z.strictObject({ sgd: z.strictObject({ lr: z.number().positive(), momentum: z.number().min(0).default(0) }) }),
  z.strictObject({ adam: z.strictObject({ lr: z.number().positive() }) }),
]);

const training = {
  epochs: result(z.int().min(1).default(20).describe('Passes over the training plots.')),
  batchSize: result(z.int().min(1).max(1024).default(16)),
  patience: result(z.union([z.int().min(1), z.literal('never')]).default('never')),
  checkpointEvery: operational(z.int().min(1).default(1)),
};

const train = defineStage({
  name: 'train',
  kind: 'pure',
  summary: 'Trains a model.',
  params: z.discriminatedUnion('model', [
    z.strictObject({
      model: result(z.literal('convnet2d')),
      optimizer: result(optimizer.default({ sgd: { lr: 0.001, momentum: 0 } })),
      ...training,
    }),
    z.strictObject({ model: result(z.literal('vit')), patch: result(z.tuple([z.int(), z.int()])), ...training }),
    z.strictObject({ model: result(z.literal('ridge')), alpha: result(z.number().min(0).default(1)) }),
  ]),
  inputs: { features: { kind: 'features', count: 'one' } },
  output: 'model',
  work: 'training',
  usesSeed: true,
  usesTensorflow: true,
});

const evaluate = defineStage({
  name: 'evaluate',
  kind: 'pure',
  summary: 'Compares models.',
  params: z.strictObject({ metric: result(z.enum(['mae', 'rmse']).default('mae')) }),
  inputs: { features: { kind: 'features', count: 'one' }, models: { kind: 'model', count: 'some' } },
  output: 'evaluation',
});

const registerModel = defineStage({
  name: 'registerModel',
  kind: 'effect',
  summary: 'Registers the winner.',
  params: z.strictObject({ model: result(z.string().min(1)), token: operational(z.string().optional()) }),
  inputs: { evaluation: { kind: 'evaluation', count: 'one' }, champion: { kind: 'model', count: 'optional' } },
  output: 'model-version',
});

export const exampleContracts: ReadonlyMap<string, StageContract> = new Map<string, StageContract>(
  [fetchData, preprocess, train, evaluate, registerModel].map((contract) => [
    contract.name,
    contract as unknown as StageContract,
  ]),
);

export const nitrogen = `name: nitrogen
seed: 42
store: .furrow/store
stages:
  data:     { uses: fetchData,  with: { source: "synthetic:plots?train=120&test=40" } }
  features: { uses: preprocess, needs: [data], with: { bands: [green, red, red_edge, nir], target: filename, size: [160, 106] } }
  convnet:  { uses: train, needs: [features], queue: train-gpu, with: { model: convnet2d, optimizer: { sgd: { lr: 0.001 } }, batchSize: 16, epochs: 20 } }
  vit:      { uses: train, needs: [features], queue: train-gpu, with: { model: vit, patch: [32, 53], epochs: 20 } }
  ridge:    { uses: train, needs: [features], with: { model: ridge } }
  evaluate: { uses: evaluate, needs: [features, convnet, vit, ridge], with: { metric: mae } }
  register: { uses: registerModel, needs: [evaluate], with: { model: nitrogen } }
`;
