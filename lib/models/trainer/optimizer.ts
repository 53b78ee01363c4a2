import type { Scalar, Tensor } from '@tensorflow/tfjs-node';
import type { OptimizerParams } from '../../../contract/networks/training.ts';
import type { Tf } from '../tensorflow.ts';
import { adam } from './adam.ts';
import { adamw } from './adamw.ts';
import type { ResourceVariable } from './resourceVariable.ts';
import { sgd } from './sgd.ts';

/** What an optimizer is told of one weight at one step. */
export interface Update {
  readonly tf: Tf;
  /** Changed in place, as are the slots. */
  readonly weight: ResourceVariable;
  /** By name: what it keeps of this weight from step to step, of the weight's shape, 0 before the first step. */
  readonly slots: Readonly<Record<string, ResourceVariable>>;
  readonly gradient: Tensor;
  /** What clipping multiplies the gradient by; 1 where it is short enough. */
  readonly gradientScale: number;
  /** The weight's and the step's multiple of the learning rate. */
  readonly rate: number;
  /** Whether weight decay takes from it. */
  readonly decays: boolean;
  /** Steps finished before this one. */
  readonly step: number;
  /** A scalar for TensorFlow, which the trainer disposes. */
  scalar(value: number): Scalar;
}

/**
 * A rule for updates without state of its own: everything it remembers is in its slots, which checkpoints hold, or follows from
 * the step's number, so that a resumed run goes on bit for bit. (tfjs's optimizers do not: Adam recomputes its betas when it is
 * loaded.)
 */
export interface Optimizer {
  readonly slots: readonly string[];
  /** Runs inside `tf.tidy`. */
  update(update: Update): void;
}

export function optimizerFor(params: OptimizerParams): Optimizer {
  if ('sgd' in params) return sgd(params.sgd);
  return 'adamw' in params ? adamw(params.adamw) : adam(params.adam);
}

/** The gradient after clipping. */
export function clipped({ gradient, gradientScale, scalar }: Update): Tensor {
  return gradientScale === 1 ? gradient : gradient.mul(scalar(gradientScale));
}
