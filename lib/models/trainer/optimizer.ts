import type { Tensor } from '@tensorflow/tfjs-node';
import type { OptimizerParams } from '../../../contract/networks/training.ts';
import type { Tf } from '../tensorflow.ts';
import { sgd } from './sgd.ts';

/** What an optimizer knows of one weight. */
export interface Update {
  readonly weight: Tensor;
  readonly gradient: Tensor;
  /** By name: what it keeps of this weight from step to step, of the weight's shape, 0 before the first step. */
  readonly slots: Readonly<Record<string, Tensor>>;
  /** The weight's and the step's multiple of the learning rate. */
  readonly rate: number;
  /** Steps finished before this one. */
  readonly step: number;
}

/**
 * A rule for updates without state of its own: everything it remembers is in its slots, which checkpoints hold, so that a
 * resumed run goes on bit for bit. (tfjs's optimizers do not: Adam recomputes its betas when it is loaded.)
 */
export interface Optimizer {
  readonly slots: readonly string[];
  /** The new weight and slots. Runs inside `tf.tidy`. */
  update(tf: Tf, update: Update): { readonly weight: Tensor; readonly slots: Readonly<Record<string, Tensor>> };
}

export function optimizerFor(params: OptimizerParams): Optimizer {
  return sgd(params.sgd);
}
