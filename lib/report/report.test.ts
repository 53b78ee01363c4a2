import { describe, expect, it } from 'vitest';
import { type ArtifactRef, contentRef } from '../../contract/artifact.ts';
import { uniforms } from '../models/random.ts';
import { quantile, scoreIntervals } from './bootstrap.ts';
import { compareModels } from './compare.ts';
import { errorsPerLevel } from './levels.ts';
import { predictionsCsv } from './predictionsCsv.ts';
import { score } from './scores.ts';

describe('score', () => {
  it('gives the textbook values', () => {
    const scores = score([0, 100, 200, 300], [10, 90, 230, 300]);
    expect(scores.mae).toBeCloseTo(50 / 4);
    expect(scores.rmse).toBeCloseTo(Math.sqrt(1100 / 4));
    expect(scores.r2).toBeCloseTo(1 - 1100 / 50_000);
    expect(scores.bias).toBeCloseTo(30 / 4);
  });

  it('gives 0 for R2 where all targets are the same: nothing there is to be explained', () => {
    expect(score([5, 5], [4, 6]).r2).toBe(0);
  });
});

describe('scoreIntervals', () => {
  const errors = [...uniforms({ seed: 1, use: 'augmentation' }, 400)].map((draw) => 20 * draw);
  const targets = errors.map((_, index) => (index % 4) * 100);
  const predictions = targets.map((target, index) => target + (errors[index] as number));
  const options = { seed: 42, set: 0, resamples: 1000 };

  it('are about as wide as the standard error says', async () => {
    const { mae } = await scoreIntervals(targets, predictions, options);
    // Errors are uniform on [0, 20): standard deviation 5.77, standard error 0.289.
    expect((mae.high - mae.low) / 2).toBeGreaterThan(1.96 * 0.289 * 0.85);
    expect((mae.high - mae.low) / 2).toBeLessThan(1.96 * 0.289 * 1.15);
    expect(mae.low).toBeLessThan(mae.value);
    expect(mae.high).toBeGreaterThan(mae.value);
  });

  it('are the same for the same seed, and others for another', async () => {
    const intervals = await scoreIntervals(targets, predictions, options);
    expect(await scoreIntervals(targets, predictions, options)).toEqual(intervals);
    expect(await scoreIntervals(targets, predictions, { ...options, seed: 43 })).not.toEqual(intervals);
  });

  it('are bit for bit what they were when they were first released: an evaluation is known by its bytes', async () => {
    expect(await scoreIntervals(targets, predictions, options)).toEqual({
      mae: { value: 10.220999059698078, low: 9.66255658416485, high: 10.758069676024897 },
      rmse: { value: 11.696895919145668, low: 11.216347320486749, high: 12.185313636225729 },
      r2: { value: 0.9890546100685339, low: 0.987606783228525, high: 0.9901793123795868 },
      bias: { value: 10.220999059698078, low: 9.66255658416485, high: 10.758069676024897 },
    });
  });

  it('of many plots leave the process free for its heartbeats', async () => {
    const many = Float64Array.from({ length: 50_000 }, (_, plot) => plot % 300);
    let beats = 0;
    const heart = setInterval(() => beats++, 10);
    const started = performance.now();
    await scoreIntervals(many, many, { ...options, resamples: 150 });
    clearInterval(heart);
    // A turn is 50 ms, and ends with the resample that is under way.
    expect(beats).toBeGreaterThan((performance.now() - started) / 250);
  });

  it('stop when they are told to', async () => {
    const many = Float64Array.from({ length: 20_000 }, (_, plot) => plot % 300);
    const controller = new AbortController();
    setTimeout(() => controller.abort('enough'), 20);
    const { signal } = controller;
    await expect(scoreIntervals(many, many, { ...options, resamples: 100_000, signal })).rejects.toBe('enough');
  }, 5_000);

  it('of a single plot have no width', async () => {
    const { mae } = await scoreIntervals([1], [3], options);
    expect(mae).toEqual({ value: 2, low: 2, high: 2 });
  });
});

describe('quantile', () => {
  it('lies between neighbours', () => {
    expect([0, 0.5, 0.25, 1].map((share) => quantile([0, 10, 20], share))).toEqual([0, 10, 5, 20]);
  });
});

describe('errorsPerLevel', () => {
  it('are by dose where there are few doses', () => {
    expect(errorsPerLevel([0, 300, 0], [5, 290, 15])).toEqual([
      { level: 0, plots: 2, mae: 10 },
      { level: 300, plots: 1, mae: 10 },
    ]);
  });

  it('are by five ranges where the target is a measurement', () => {
    const targets = Array.from({ length: 101 }, (_, index) => index);
    const levels = errorsPerLevel(targets, targets);
    expect(levels.map(({ level }) => level)).toEqual([10, 30, 50, 70, 90]);
    expect(levels.reduce((sum, { plots }) => sum + plots, 0)).toBe(101);
  });
});

describe('compareModels', () => {
  const ref = (uri: string): ArtifactRef => ({ uri, digest: `sha256:${uri.padEnd(64, '0')}`, kind: 'model', bytes: 1 });
  const comparison = {
    metric: 'mae',
    target: { name: 'nitrogen', unit: 'kg/ha' },
    targets: { validation: [0, 100], test: [200, 300] },
    seed: 1,
    resamples: 100,
    learnedFrom: false,
    candidates: [
      { name: 'a', network: 'convnet2d', validation: [9, 109], test: [200, 300], model: ref('a') },
      { name: 'b', network: 'ridge', validation: [5, 105], test: [250, 350], model: ref('b') },
      { name: 'median (baseline)', network: 'median', validation: [0, 100], test: [0, 0] },
    ],
  } as const;

  it('chooses by the validation plots alone, and no baseline', async () => {
    expect((await compareModels(comparison)).winner).toEqual({ name: 'b', model: contentRef(ref('b')) });
  });

  it('takes the first of equals', async () => {
    const equal = {
      ...comparison,
      candidates: comparison.candidates.map((each) => ({ ...each, validation: [5, 105] })),
    };
    expect((await compareModels(equal)).winner.name).toBe('a');
  });

  it('leaves out what was measured on plots that it learned from, beside a model that was cross-validated', async () => {
    const [a, b, median] = comparison.candidates;
    const candidates = [{ ...a, crossValidated: true }, b, median];
    expect((await compareModels({ ...comparison, candidates })).winner.name).toBe('b');
    expect((await compareModels({ ...comparison, candidates, learnedFrom: true })).winner.name).toBe('a');
    expect((await compareModels({ ...comparison, learnedFrom: true })).winner.name).toBe('b');
  });

  it('refuses to choose among baselines', async () => {
    const baselines = comparison.candidates.slice(2);
    await expect(compareModels({ ...comparison, candidates: baselines })).rejects.toThrow(RangeError);
  });
});

describe('predictionsCsv', () => {
  const row = (plot: string, split: 'validation' | 'test') => ({ plot, split, group: plot, target: 100 });
  const candidate = { name: 'ridge, plain', network: 'ridge', validation: [99.5], test: [Math.fround(0.1)] };

  it('has a column for each model, in the seven digits of float32, and quotes names', () => {
    const rows = { validation: [row('p1', 'validation')], test: [row('p2', 'test')] };
    expect(predictionsCsv([candidate], rows)).toBe(
      'plot,split,target,"ridge, plain"\np1,validation,100,99.5\np2,test,100,0.1\n',
    );
  });

  it('lists plots once where one set stands in for the other', () => {
    const both = [row('p1', 'validation')];
    expect(predictionsCsv([candidate], { validation: both, test: both }).trim().split('\n')).toHaveLength(2);
  });
});
