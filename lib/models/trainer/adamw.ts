import type { AdamwParams } from '../../../contract/networks/training.ts';
import { adam } from './adam.ts';
import type { Optimizer } from './optimizer.ts';

/**
 * Adam with decoupled weight decay: `w *= 1 - lr * weightDecay`, then Adam's step.
 *
 * The learning rate is the weight's own at this step, schedule and {@link WeightPlan.rate} included, as in PyTorch, where
 * such a weight would be in a parameter group with that rate: what learns slower also forgets slower.
 *
 * Loshchilov, Hutter: Decoupled weight decay regularization. ICLR 2019. https://arxiv.org/abs/1711.05101
 */
export function adamw({ weightDecay, ...params }: AdamwParams): Optimizer {
  const { slots, update } = adam(params);
  return {
    slots,
    update(given) {
      const { weight, rate, decays, scalar } = given;
      if (decays && weightDecay > 0) {
        const before = weight.read();
        const decayed = before.mul(scalar(1 - params.lr * rate * weightDecay));
        before.dispose();
        weight.assign(decayed);
        decayed.dispose();
      }
      update(given);
    },
  };
}
