import { z } from 'zod';
import { durationSchema } from '../duration.ts';
import { operational, result } from '../params.ts';

const rate = z
  .number()
  .positive()
  .max(100)
  .describe('Learning rate: how far a step moves a weight. Targets are standardised.');
const decayRate = (of: string) => z.number().min(0).lt(1).describe(of);

const adamFields = {
  lr: rate,
  beta1: decayRate('Share of the running mean of the gradient that a step keeps.').default(0.9),
  beta2: decayRate('Share of the running mean of the squared gradient that a step keeps.').default(0.999),
  epsilon: z.number().positive().max(1).default(1e-8).describe('Added to the root of the mean squared gradient.'),
};

const optimizers = {
  sgd: z
    .strictObject({
      lr: rate,
      momentum: decayRate(
        'Share of the last step that goes on in the next; a step is 1 / (1 - momentum) times as long in the end.',
      ).default(0),
    })
    .describe('Stochastic gradient descent, with momentum as PyTorch has it.'),
  adam: z.strictObject(adamFields).describe('Adam: steps scaled weight by weight by the gradients seen so far.'),
  adamw: z
    .strictObject({
      ...adamFields,
      weightDecay: z
        .number()
        .min(0)
        .max(10)
        .default(0.01)
        .describe('Share of a weight, times the learning rate, that a step takes away. Biases and norms are spared.'),
    })
    .describe('Adam with decoupled weight decay.'),
};

/** One key says which optimizer, its value how: `{ adamw: { lr: 0.001 } }`. */
export const optimizerSchema = z.union([
  z.strictObject({ sgd: optimizers.sgd }),
  z.strictObject({ adam: optimizers.adam }),
  z.strictObject({ adamw: optimizers.adamw }),
]);

export type OptimizerParams = z.output<typeof optimizerSchema>;
export type SgdParams = z.output<typeof optimizers.sgd>;
export type AdamParams = z.output<typeof optimizers.adam>;
export type AdamwParams = z.output<typeof optimizers.adamw>;

/** A step of the largest network that was tried takes four seconds on two cores; a machine that swaps may take a hundred times that. */
export const usualStallTimeout = '10m';

export const schedules = ['constant', 'cosine'] as const;
export type Schedule = (typeof schedules)[number];

export const losses = ['mae', 'mse', 'huber'] as const;
export type Loss = (typeof losses)[number];

const augmentation = z.strictObject({
  flips: z.boolean().default(false).describe('Mirror a plot along each of its axes, each every second time.'),
  rotate180: z.boolean().default(false).describe('Turn a plot upside down every second time.'),
  brightness: z
    .number()
    .min(0)
    .max(0.9)
    .default(0)
    .describe('Multiply all bands of a plot by one factor of 1 - this to 1 + this. Indices stay as they are.'),
  mixup: z
    .number()
    .min(0)
    .max(10)
    .default(0)
    .describe(
      'Mix each plot and its target with another of its batch, by a share drawn from Beta(this, this). 0: off.',
    ),
});

export type Augmentation = z.output<typeof augmentation>;

/** What every network that is trained in steps can be told, with the network's own defaults. */
export function trainingParams(defaults: { optimizer: z.input<typeof optimizerSchema> }) {
  return {
    optimizer: result(
      optimizerSchema
        .default(() => optimizerSchema.parse(defaults.optimizer))
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
    warmup: result(
      z.number().min(0).max(1000).default(0).describe('Epochs in which the learning rate rises from 0, in a line.'),
    ),
    clipNorm: result(
      z
        .number()
        .positive()
        .optional()
        .describe('Gradients are scaled down so that all of them together are no longer than this. Default: never.'),
    ),
    averaging: result(
      z
        .number()
        .gt(0)
        .lt(1)
        .optional()
        .describe(
          'Validate and keep a moving average of the weights, of which a step keeps this share. Default: the weights as they are.',
        ),
    ),
    loss: result(
      z
        .enum(losses)
        .default('mae')
        .describe(
          'What a step makes smaller: absolute or squared errors, or Huber, squared within one standard deviation of the target and absolute beyond.',
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
    epochs: result(z.number().int().min(1).max(100_000).default(20).describe('Passes over the training plots.')),
    keep: result(
      z
        .enum(['best', 'last'])
        .default('best')
        .describe(
          'Which weights become the model: of the epoch that did best on the validation plots, or of the last.',
        ),
    ),
    earlyStopping: result(
      z
        .strictObject({
          patience: z.number().int().min(1).describe('Epochs without a better validation error after which it ends.'),
        })
        .optional()
        .describe('End before the last epoch when validation gets no better. Default: never.'),
    ),
    augment: result(
      augmentation
        .default(() => augmentation.parse({}))
        .describe('How training plots are varied, anew in each epoch; validation and test plots never are.'),
    ),
    standardize: result(
      z
        .strictObject({
          inputs: z.boolean().default(true).describe("Each channel, by the training plots' mean and deviation."),
          target: z.boolean().default(true).describe("The target, by the training plots' mean and deviation."),
        })
        .default({ inputs: true, target: true })
        .describe('What is brought to mean 0 and standard deviation 1 before a network sees it.'),
    ),
    folds: result(
      z
        .number()
        .int()
        .min(2)
        .max(20)
        .optional()
        .describe(
          'Cross-validation by group: training and validation plots together are cut into so many folds, one network is trained without each, and the model predicts the mean of all. Default: one network, validated on the validation plots.',
        ),
    ),
    snapshots: result(
      z
        .number()
        .int()
        .min(1)
        .max(20)
        .default(1)
        .describe(
          'Times that the learning rate falls and starts again within `epochs`; the model predicts the mean of the weights that each time gave.',
        ),
    ),
    clipPredictions: result(
      z
        .boolean()
        .default(false)
        .describe(
          "Predict nothing below the least and above the most of the training plots' targets: for a target that cannot be beyond, such as a share.",
        ),
    ),
    testFlips: result(
      z
        .boolean()
        .default(false)
        .describe('Predict the mean over a plot, its mirror images and itself upside down: four times the work.'),
    ),
    checkpointEvery: operational(
      z
        .union([z.number().int().min(1), durationSchema])
        .default('30s')
        .describe(
          'Between two checkpoints: a time (`30s`, `5m`), or epochs. What a killed training does again, at most.',
        ),
    ),
    stallTimeout: operational(
      durationSchema
        .default(usualStallTimeout)
        .describe(
          'The longest that a training may go without a step: then its process is killed, and another goes on.',
        ),
    ),
    logEvery: operational(z.number().int().min(1).default(1).describe('Steps between two rows of the run log.')),
  };
}

/** Relations between parameters that hold for every network trained in steps; gives what is wrong, by parameter. */
export function trainingProblems(given: {
  readonly schedule: Schedule;
  readonly epochs: number;
  readonly snapshots: number;
  readonly warmup: number;
  readonly keep: 'best' | 'last';
  readonly earlyStopping?: unknown;
}): { readonly path: string; readonly message: string }[] {
  const { schedule, epochs, snapshots, warmup, keep, earlyStopping } = given;
  // The shortest of them.
  const cycle = Math.floor(epochs / snapshots);
  const problems = [];
  if (snapshots > 1 && schedule !== 'cosine')
    problems.push({
      path: 'snapshots',
      message: `Snapshots need \`schedule: cosine\`, which starts again for each, got \`${schedule}\``,
    });
  if (snapshots > 1 && earlyStopping !== undefined)
    problems.push({
      path: 'earlyStopping',
      message: 'Expected no `earlyStopping` with `snapshots`, which take all epochs, got both',
    });
  if (epochs < snapshots)
    problems.push({
      path: 'snapshots',
      message: `Expected at most one snapshot an epoch, got ${snapshots} in ${epochs}`,
    });
  if (keep === 'last' && earlyStopping !== undefined)
    problems.push({
      path: 'earlyStopping',
      message: 'Expected no `earlyStopping` with `keep: last`, which asks for all epochs, got both',
    });
  if (warmup > 0 && warmup >= cycle)
    problems.push({
      path: 'warmup',
      message: `Expected fewer epochs of \`warmup\` than the learning rate has, ${cycle}, got ${warmup}`,
    });
  return problems;
}
