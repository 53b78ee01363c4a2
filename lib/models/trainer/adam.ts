import type { AdamParams } from '../../../contract/networks/training.ts';
import { clipped, type Optimizer } from './optimizer.ts';

/**
 * Adam: with the running means m of the gradient and v of its square, both divided by what zeros at the start take from them,
 * `w -= lr * m / (sqrt(v) + epsilon)`; as TensorFlow's `ResourceApplyAdam`.
 *
 * That kernel adds epsilon before v is corrected (the paper's epsilon-hat) and computes corrections in float32, from powers that
 * others accumulate. Here both corrections are computed from the step's number in double precision and given to it within the
 * rate and epsilon, so that epsilon is the paper's and PyTorch's, and a resumed run has the same bits. The betas are taken as
 * float32 has them: the kernel weighs by 1 - beta, which for 0.999 is 1.3e-5 off, and so are the powers then.
 *
 * Kingma, Ba: Adam: a method for stochastic optimization. ICLR 2015. https://arxiv.org/abs/1412.6980
 */
export function adam({ lr, beta1, beta2, epsilon }: AdamParams): Optimizer {
  return {
    slots: ['m', 'v'],
    update(update) {
      const { weight, slots, rate, step, scalar } = update;
      const correction1 = 1 - Math.fround(beta1) ** (step + 1);
      const correction2 = Math.sqrt(1 - Math.fround(beta2) ** (step + 1));
      const none = scalar(0);
      weight.apply(
        'ResourceApplyAdam',
        [slots.m, slots.v] as (typeof weight)[],
        [
          none,
          none,
          scalar((lr * rate * correction2) / correction1),
          scalar(beta1),
          scalar(beta2),
          scalar(epsilon * correction2),
          clipped(update),
        ],
        { use_nesterov: { bool: false } },
      );
    },
  };
}
