/** Networks and optimizers whose trainings are killed. Plots and networks have the sizes that they have in the field. */
import { networkNames, type SteppedTrainParams, trainParams } from '../../contract/stages/train.ts';

/** Some five to ten seconds on two cores: long enough for moments to differ, short enough for hundreds of attempts. */
const lengths: Readonly<Record<string, { readonly epochs: number; readonly batchSize: number }>> = {
  convnet2d: { epochs: 2, batchSize: 8 },
  vit: { epochs: 24, batchSize: 16 },
  'pooled-cnn': { epochs: 5, batchSize: 16 },
};

export const networks: readonly string[] = Object.keys(lengths).filter((name) => networkNames.includes(name));

const optimizers = {
  sgd: { optimizer: { sgd: { lr: 0.01 } } },
  momentum: { optimizer: { sgd: { lr: 0.01, momentum: 0.9 } } },
  adam: { optimizer: { adam: { lr: 0.001 } }, warmup: 1 },
  /** With everything on top that has a state or a random number of its own; dropout is on where a network has it. */
  adamw: {
    optimizer: { adamw: { lr: 0.001 } },
    clipNorm: 1,
    averaging: 0.9,
    augment: { flips: true, rotate180: true, brightness: 0.2, mixup: 0.2 },
  },
} as const;

export type OptimizerName = keyof typeof optimizers;
export const optimizerNames = Object.keys(optimizers) as readonly OptimizerName[];

export function paramsOf(network: string, optimizer: OptimizerName, checkpointEvery: number | string) {
  const given = { model: network, checkpointEvery, ...lengths[network], ...optimizers[optimizer] };
  return trainParams.parse(given) as SteppedTrainParams;
}
