import type { Schedule } from '../../../contract/networks/training.ts';

/** Where a step stands in its cycle. */
export interface CycleStep {
  /** Steps of the cycle finished before this one. */
  readonly step: number;
  /** Steps of the cycle. */
  readonly steps: number;
}

/**
 * The learning rate of a step as a multiple of the optimizer's, from the step's number alone.
 *
 * First it rises from 0 to 1 in a line, over `warmupSteps` (Goyal and others); then `constant` stays at 1, and `cosine` falls to 0
 * at the end of the cycle: with the mean absolute error a gradient does not get smaller near the optimum, so the steps have to.
 *
 * A cycle is the whole training, or what lies between two snapshots. Of these only the first wants a warm-up, which spares weights
 * that know nothing yet: the jump back to the full rate is what leaves the old optimum (SGDR, and Huang and others).
 *
 * Goyal and others: Accurate, large minibatch SGD: training ImageNet in 1 hour. 2017. https://arxiv.org/abs/1706.02677
 * Loshchilov, Hutter: SGDR: Stochastic gradient descent with warm restarts. ICLR 2017. https://arxiv.org/abs/1608.03983
 * Huang and others: Snapshot ensembles: train 1, get M for free. ICLR 2017. https://arxiv.org/abs/1704.00109
 *
 * @param given.warmupSteps may be fractional; less than the cycle's steps
 */
export function scheduledRate(
  { schedule, warmupSteps }: { readonly schedule: Schedule; readonly warmupSteps: number },
  { step, steps }: CycleStep,
): number {
  // The line is at 0 one step before the first, which would otherwise do nothing.
  if (step + 1 < warmupSteps) return (step + 1) / warmupSteps;
  if (schedule === 'constant') return 1;
  const top = Math.max(0, Math.ceil(warmupSteps) - 1);
  return (1 + Math.cos((Math.PI * (step - top)) / (steps - top))) / 2;
}
