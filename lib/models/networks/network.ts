/** What a network is to the trainer and to prediction. A network is a factory of this from its parameters, in a file of its own. */
import type { Tensor, Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs-node';
import type { Tf } from '../tensorflow.ts';

export interface InputShape {
  /** Pixels. */
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

export type Initial =
  | 'zeros'
  | 'ones'
  | { readonly glorot: { readonly fanIn: number; readonly fanOut: number } }
  /** Standard deviation of a normal distribution about 0. */
  | { readonly normal: number };

export interface WeightPlan {
  readonly name: string;
  readonly shape: readonly number[];
  readonly initial: Initial;
  /** False for what the forward pass itself keeps, such as moving averages. */
  readonly trainable: boolean;
  /** The learning rate of this weight as a multiple of the optimizer's; 1 when absent. */
  readonly rate?: number;
  /** Weight decay takes from it; by default whether it has more than one axis, so that biases and norms are spared. */
  readonly decay?: boolean;
}

export interface ForwardPass {
  readonly tf: Tf;
  /** `[plots, height, width, channels]`, standardised. */
  readonly x: Tensor4D;
  weight<T extends Tensor>(name: string): T;
  /** Absent when predicting. */
  readonly training?: {
    /** Steps finished before this one. */
    readonly step: number;
    /** Sets a weight that is not trainable; disposes `value`. */
    assign(name: string, value: Tensor): void;
    /**
     * The seed of a stateless random operation: the same for the same training, step and `index`, so that a resumed run draws
     * what the undisturbed one did. Each random operation of a forward pass takes an index of its own.
     */
    noise(index: number): readonly [number, number];
  };
}

export interface Network {
  /** @throws FurrowError `CONFIG_INVALID` when plots of this shape are too small for it. */
  plan(input: InputShape): readonly WeightPlan[];
  /** Gives `[plots]`, in units of the standardised target. Runs inside `tf.tidy`. */
  forward(pass: ForwardPass): Tensor1D;
  /**
   * What its last dense layer sees of plots, `[plots, features]`, without dropout; where that is a value a position, the mean over
   * the positions. For looking at what was learned: nothing is predicted from it. Runs inside `tf.tidy`.
   */
  features(pass: Omit<ForwardPass, 'training'>): Tensor2D;
}
