import type { WeightPlan } from './network.ts';

/**
 * The filters of a convolution, `[kernel, kernel, from, to]`, named `NAME/kernel`; without a bias, which a batch normalisation behind
 * it would take away.
 *
 * @param kernel pixels on a side
 */
export function convolutionPlan(name: string, kernel: number, from: number, to: number): WeightPlan {
  const pixels = kernel * kernel;
  return {
    name: `${name}/kernel`,
    shape: [kernel, kernel, from, to],
    initial: { glorot: { fanIn: pixels * from, fanOut: pixels * to } },
    trainable: true,
  };
}
