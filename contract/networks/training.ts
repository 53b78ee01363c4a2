import { z } from 'zod';
import { operational, result } from '../params.ts';

const rate = z.number().positive().max(100);

/** One key says which optimizer, its value how: `{ sgd: { lr: 0.001 } }`. */
export const optimizerSchema = z.strictObject({
  sgd: z.strictObject({ lr: rate, momentum: z.number().min(0).lt(1).default(0) }),
});

export type OptimizerParams = z.output<typeof optimizerSchema>;

export const schedules = ['constant', 'cosine'] as const;
export type Schedule = (typeof schedules)[number];

/** What every network that is trained in steps can be told. */
export function trainingParams() {
  return {
    optimizer: result(optimizerSchema.default({ sgd: { lr: 0.05, momentum: 0.9 } })),
    /** How the learning rate goes on: as it is, or as a half cosine down to 0 at the end. */
    schedule: result(z.enum(schedules).default('cosine')),
    /** The largest batch; an epoch is cut into batches of nearly equal size. */
    batchSize: result(z.number().int().min(2).max(4096).default(16)),
    epochs: result(z.number().int().min(1).max(100_000).default(20)),
    /** Epochs between two checkpoints. */
    checkpointEvery: operational(z.number().int().min(1).default(1)),
    /** Steps between two rows of the run log. */
    logEvery: operational(z.number().int().min(1).default(1)),
  };
}
