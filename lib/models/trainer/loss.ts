import type { Scalar, Tensor1D } from '@tensorflow/tfjs-node';
import type { Loss } from '../../../contract/networks/training.ts';
import type { Tf } from '../tensorflow.ts';

/** The mean over plots of a loss of standardised targets; both `[plots]`. */
export type LossFunction = (tf: Tf, predicted: Tensor1D, targets: Tensor1D) => Scalar;

/** Where Huber's loss turns from squared into absolute errors: one standard deviation of the target. */
const huberDelta = 1;

const functions: Readonly<Record<Loss, LossFunction>> = {
  mae: (_, predicted, targets) => predicted.sub(targets).abs().mean(),
  mse: (_, predicted, targets) => predicted.sub(targets).square().mean(),
  huber: (tf, predicted, targets) => {
    const error = predicted.sub(targets).abs();
    const quadratic = tf.minimum(error, huberDelta);
    return quadratic.square().mul(0.5).add(error.sub(quadratic).mul(huberDelta)).mean();
  },
};

/**
 * `mae`: |e|; `mse`: e²; `huber`: e² / 2 up to one standard deviation, |e| - 1/2 beyond.
 *
 * Huber: Robust estimation of a location parameter. Annals of Mathematical Statistics 35, 1964.
 */
export function lossFor(loss: Loss): LossFunction {
  return functions[loss];
}
