import { z } from 'zod';
import { operational, result } from '../params.ts';

/** One key says which optimizer, its value how: `{ sgd: { lr: 0.001 } }`. */
export const optimizerSchema = z.strictObject({
  sgd: z
    .strictObject({
      lr: z
        .number()
        .positive()
        .max(100)
        .describe('Learning rate: a step moves a weight by this times its gradient. Targets are standardised.'),
      momentum: z
        .number()
        .min(0)
        .lt(1)
        .default(0)
        .describe(
          'Share of the last step that goes on in the next; a step is 1 / (1 - momentum) times as long in the end.',
        ),
    })
    .describe('Stochastic gradient descent, with momentum as PyTorch has it.'),
});

export type OptimizerParams = z.output<typeof optimizerSchema>;

export const schedules = ['constant', 'cosine'] as const;
export type Schedule = (typeof schedules)[number];

/** What every network that is trained in steps can be told. */
export function trainingParams() {
  return {
    optimizer: result(
      optimizerSchema
        .default({ sgd: { lr: 0.05, momentum: 0.9 } })
        .describe('How a gradient moves the weights: one key, the name of the optimizer.'),
    ),
    schedule: result(
      z
        .enum(schedules)
        .default('cosine')
        .describe(
          'How the learning rate goes on: as it is, or as a half cosine down to 0 at the end of the last epoch.',
        ),
    ),
    batchSize: result(
      z
        .number()
        .int()
        .min(2)
        .max(4096)
        .default(16)
        .describe('Plots of a step, at most: an epoch is cut into batches of nearly equal size. Memory grows with it.'),
    ),
    epochs: result(
      z
        .number()
        .int()
        .min(1)
        .max(100_000)
        .default(20)
        .describe(
          'Passes over the training plots. The weights of the epoch that did best on the validation plots are kept.',
        ),
    ),
    checkpointEvery: operational(
      z
        .number()
        .int()
        .min(1)
        .default(1)
        .describe('Epochs between two checkpoints: what a killed training does again, at most.'),
    ),
    logEvery: operational(z.number().int().min(1).default(1).describe('Steps between two rows of the run log.')),
  };
}
