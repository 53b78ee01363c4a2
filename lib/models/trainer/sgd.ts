import type { OptimizerParams } from '../../../contract/networks/training.ts';
import type { Optimizer } from './optimizer.ts';

/**
 * Stochastic gradient descent: `w -= lr * v`, where v is the gradient, or with momentum m, `v = m * v + gradient`.
 *
 * Sutskever, Martens, Dahl, Hinton: On the importance of initialization and momentum in deep learning. ICML 2013 (in the form of
 * PyTorch, where the learning rate multiplies v).
 */
export function sgd({ lr, momentum }: OptimizerParams['sgd']): Optimizer {
  if (momentum === 0) {
    return {
      slots: [],
      update: (_, { weight, gradient, rate }) => ({ weight: weight.sub(gradient.mul(lr * rate)), slots: {} }),
    };
  }
  return {
    slots: ['velocity'],
    update(_, { weight, gradient, slots, rate }) {
      const velocity = (slots.velocity as typeof weight).mul(momentum).add(gradient);
      return { weight: weight.sub(velocity.mul(lr * rate)), slots: { velocity } };
    },
  };
}
