/** One network with one optimizer: trained undisturbed once, then killed and resumed until there were enough kills. */
import { join } from 'node:path';
import { digestOfJson } from '../../lib/store/digest.ts';
import type { Store } from '../../lib/store/store.ts';
import { type AttemptEnd, hasEachStepOnce, modelDigest, runAttempt, type Training } from './attempt.ts';
import { type OptimizerName, paramsOf } from './combinations.ts';
import { drawCheckpointEvery, drawDisturbance, drawTimes } from './disturbance.ts';

export interface CombinationOptions {
  readonly network: string;
  readonly optimizer: OptimizerName;
  /** SIGKILLs in all. */
  readonly kills: number;
  readonly seed: number;
  readonly features: string;
  readonly store: Store;
  readonly folder: string;
}

export interface CombinationResult {
  readonly network: string;
  readonly optimizer: string;
  readonly steps: number;
  readonly undisturbedMs: number;
  readonly kills: number;
  /** Requests to stop in between. */
  readonly stops: number;
  /** That were resumed at least once. */
  readonly models: number;
  /** Which of them differ, and in what: none, or the bench has failed. */
  readonly differences: readonly string[];
  /** Work that a kill took and the next attempt did again, at the undisturbed pace. */
  readonly repeatedSteps: number;
  readonly repeatedMs: number;
  /** All models, with the starts of the children. */
  readonly ms: number;
}

/** Of the training itself; the moments of kills have their own. */
const trainingSeed = 42;
/** With so many kills left to do, a model that keeps finishing before its kill says that the draws are wrong. */
const mostModelsPerKill = 3;

export async function runCombination(options: CombinationOptions): Promise<CombinationResult> {
  const { network, optimizer, seed, features, store, folder } = options;
  const training = (model: number | string): Training => ({
    store,
    key: digestOfJson({ network, optimizer, model }),
    seed: trainingSeed,
    features,
    folder: join(folder, 'attempt'),
  });
  const params = (every: number | string) => paramsOf(network, optimizer, every);
  const undisturbed = await runAttempt(training('undisturbed'), params(1));
  const expected = await modelDigest(training('undisturbed'));
  const steps = undisturbed.last;
  const { startMs } = undisturbed;
  const stepMs = undisturbed.restMs / Math.max(1, steps - 1);
  const stepsPerEpoch = steps / params(1).epochs;

  const differences: string[] = [];
  let [kills, stops, models, repeatedSteps] = [0, 0, 0, 0];
  const started = performance.now();
  for (let model = 0; kills < options.kills; model++) {
    if (model === options.kills * mostModelsPerKill)
      throw new Error(`${network}, ${optimizer}: ${kills} kills in ${model} models`);
    const times = Math.min(drawTimes({ seed, model }), options.kills - kills);
    let end: AttemptEnd | undefined;
    let disturbed = 0;
    for (let attempt = 0; ; attempt++) {
      const place = { seed, model, attempt };
      const remaining = { from: end?.stored ?? 0, to: steps, stepsPerEpoch, startMs, stepMs };
      const disturbance = attempt < times ? drawDisturbance(remaining, place) : undefined;
      end = await runAttempt(training(model), params(drawCheckpointEvery(place)), disturbance);
      if (end.kind === 'finished') break;
      disturbed++;
      repeatedSteps += end.last - end.stored;
      if (end.kind === 'killed') kills++;
      else stops++;
    }
    if (disturbed === 0) continue;
    models++;
    if ((await modelDigest(training(model))) !== expected) differences.push(`model ${model} has other bytes`);
    if (!(await hasEachStepOnce(training(model), steps))) differences.push(`model ${model} has other rows`);
  }
  const undisturbedMs = startMs + undisturbed.restMs;
  const ms = performance.now() - started;
  const repeatedMs = repeatedSteps * stepMs;
  return {
    ...{ network, optimizer, steps, undisturbedMs, kills, stops, models },
    ...{ differences, repeatedSteps, repeatedMs, ms },
  };
}
