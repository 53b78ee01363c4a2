import type { SgdParams } from '../../../contract/networks/training.ts';
import { clipped, type Optimizer } from './optimizer.ts';

/**
 * Stochastic gradient descent: `w -= lr * v`, where v is the gradient, or with momentum m, `v = m * v + gradient`; as TensorFlow's
 * `ResourceApplyGradientDescent` and `ResourceApplyMomentum`.
 *
 * Sutskever, Martens, Dahl, Hinton: On the importance of initialization and momentum in deep learning. ICML 2013 (in the form of
 * PyTorch, where the learning rate multiplies v).
 */
export function sgd({ lr, momentum }: SgdParams): Optimizer {
  if (momentum === 0) {
    return {
      slots: [],
      update({ weight, gradient, gradientScale, rate, scalar }) {
        weight.apply('ResourceApplyGradientDescent', [], [scalar(lr * rate * gradientScale), gradient]);
      },
    };
  }
  return {
    slots: ['velocity'],
    update(update) {
      const { weight, slots, rate, scalar } = update;
      const inputs = [scalar(lr * rate), clipped(update), scalar(momentum)];
      weight.apply('ResourceApplyMomentum', [slots.velocity as typeof weight], inputs, {
        use_nesterov: { bool: false },
      });
    },
  };
}
