import type { Schedule } from '../../../contract/networks/training.ts';

/**
 * The learning rate of a step as a multiple of the optimizer's, from the step's number alone. `cosine` falls from 1 to 0 over
 * the training: with the mean absolute error a gradient does not get smaller near the optimum, so the steps have to.
 *
 * Loshchilov, Hutter: SGDR: Stochastic gradient descent with warm restarts. ICLR 2017 (without the restarts).
 * https://arxiv.org/abs/1608.03983
 *
 * @param step steps finished before this one
 */
export function scheduledRate(schedule: Schedule, step: number, steps: number): number {
  return schedule === 'constant' ? 1 : (1 + Math.cos((Math.PI * step) / steps)) / 2;
}
