import { describe, expect, it } from 'vitest';
import { type SteppedTrainParams, trainParams } from '../../../contract/stages/train.ts';
import { bytesText, secondsText } from './amounts.ts';
import { estimate } from './estimate.ts';
import { at, lineThrough, type MeasuredStep, mostPlots, nextBatch } from './measuredSteps.ts';
import { epochSeconds, largestStep, networksOf, plotsOfNetwork } from './trainingTime.ts';
import { largestBatchSize, smallerTraining, verdictOf } from './verdict.ts';
import { whatToLower } from './whatToLower.ts';

const mib = 2 ** 20;

/** 300 MiB and 100 MiB a plot; 0.1 s and 0.1 s a plot. */
function step(plots: number): MeasuredStep {
  return {
    plots,
    stepSeconds: 0.1 + 0.1 * plots,
    validateSeconds: 0.03 * plots,
    peakBytes: (300 + 100 * plots) * mib,
  };
}

describe('lineThrough', () => {
  it('finds the fixed part and the part of a plot', () => {
    const line = lineThrough([step(2), step(4), step(16)], 'peakBytes');
    expect(line.fixed / mib).toBeCloseTo(300);
    expect(line.perPlot / mib).toBeCloseTo(100);
    expect(at(line, 64) / mib).toBeCloseTo(6700);
  });

  it('goes by the larger batches: of small ones the peak may be in updating the weights', () => {
    const flat = { ...step(2), peakBytes: step(4).peakBytes };
    expect(at(lineThrough([flat, step(4), step(16)], 'peakBytes'), 32) / mib).toBeCloseTo(3500);
  });

  it('never falls, nor starts below 0, whatever noise there was', () => {
    const faster = [
      { ...step(4), stepSeconds: 2 },
      { ...step(16), stepSeconds: 1 },
    ];
    expect(lineThrough(faster, 'stepSeconds')).toEqual({ fixed: 1, perPlot: 0 });
    const steep = [
      { ...step(4), stepSeconds: 0.1 },
      { ...step(16), stepSeconds: 3.2 },
    ];
    expect(lineThrough(steep, 'stepSeconds')).toEqual({ fixed: 0, perPlot: 0.2 });
  });
});

describe('nextBatch', () => {
  const plenty = { target: 16, bytes: 100_000 * mib, seconds: 100 };
  const measured = (limits: typeof plenty) => {
    const steps: MeasuredStep[] = [];
    for (;;) {
      const plots = nextBatch(steps, limits);
      if (plots === undefined) return steps.map((one) => one.plots);
      steps.push(step(plots));
    }
  };

  it('takes two small batches, then the one that is asked for', () => {
    expect(measured(plenty)).toEqual([2, 4, 16]);
    expect(measured({ ...plenty, target: 2 })).toEqual([2, 4]);
    expect(measured({ ...plenty, target: 5 })).toEqual([2, 4, 5]);
  });

  it('goes to a large one by way of another: that far away, a line is no evidence', () => {
    expect(measured({ ...plenty, target: 100 })).toEqual([2, 4, 32, 100]);
  });

  it('takes no batch that would need more memory or time than there is', () => {
    expect(measured({ ...plenty, target: 64, bytes: 1500 * mib })).toEqual([2, 4, 12]);
    expect(measured({ ...plenty, target: 64, bytes: 720 * mib })).toEqual([2, 4]);
    expect(measured({ ...plenty, target: 64, seconds: 3.4 })).toEqual([2, 4, 10]);
  });
});

describe('how many plots fit', () => {
  const memory = { fixed: 300 * mib, perPlot: 100 * mib };

  it('is what the line leaves below a limit', () => {
    expect(mostPlots(memory, 1000 * mib)).toBe(7);
    expect(mostPlots(memory, 299 * mib)).toBe(0);
    expect(mostPlots({ fixed: 1, perPlot: 0 }, 2)).toBe(Number.POSITIVE_INFINITY);
  });

  it('is judged with a fifth of the memory left for others', () => {
    expect(verdictOf(800, 1000)).toBe('fits');
    expect(verdictOf(801, 1000)).toBe('tight');
    expect(verdictOf(1001, 1000)).toBe('does not fit');
    expect(largestBatchSize(memory, 2000 * mib)).toBe(13);
    expect(largestBatchSize(memory, 600 * mib)).toBeUndefined();
    expect(largestBatchSize({ fixed: 1, perPlot: 0 }, 2 ** 40)).toBe(4096);
  });

  it('says what to lower: the batch size; where the least is too much, plots or filters', () => {
    const input = { height: 160, width: 106 };
    expect(smallerTraining(memory, 2000 * mib, input)).toEqual({ batchSize: 13, peakBytes: 1600 * mib });
    // 80 % of 500 MiB leave 100 MiB for two plots: half a plot each, so edges of 0.71.
    expect(smallerTraining(memory, 500 * mib, input)).toEqual({
      batchSize: 2,
      size: { height: 113, width: 74 },
      width: 0.5,
      peakBytes: 400 * mib,
    });
    expect(smallerTraining(memory, 300 * mib, input)).toBeUndefined();
  });
});

describe('how long an epoch takes', () => {
  const times = { step: { fixed: 0.1, perPlot: 0.1 }, validate: { fixed: 0, perPlot: 0.03 } };

  it('is its steps, of nearly equal size, and the validation', () => {
    expect(epochSeconds({ train: 96, validation: 24 }, 16, times)).toBeCloseTo(6 * 1.7 + 24 * 0.03);
    // 100 plots are 7 steps of 14 or 15.
    expect(epochSeconds({ train: 100, validation: 0 }, 16, times)).toBeCloseTo(7 * 0.1 + 100 * 0.1);
    expect(largestStep(100, 16)).toBe(15);
    expect(largestStep(6, 16)).toBe(6);
  });

  it('takes the plots of one fold, and the training plots where nothing else validates', () => {
    expect(plotsOfNetwork({ train: 96, validation: 24 }, 5)).toEqual({ train: 96, validation: 24 });
    expect(plotsOfNetwork({ train: 96, validation: 24 }, 2)).toEqual({ train: 60, validation: 60 });
    expect(plotsOfNetwork({ train: 96, validation: 0 }, undefined)).toEqual({ train: 96, validation: 96 });
    expect(networksOf({ folds: 5, snapshots: 3 })).toEqual({ trained: 5, kept: 15 });
  });
});

describe('estimate', () => {
  const input = { height: 160, width: 106, channels: 4 };
  const measurement = { weights: 1000, stateBytes: 12_000, steps: [step(2), step(4), step(16)] };
  const given = (params: object) => ({
    params: trainParams.parse({ model: 'convnet2d', epochs: 12, ...params }) as SteppedTrainParams,
    input,
    plots: { train: 96, validation: 24 },
  });

  it('is of the step that was measured, for all epochs', () => {
    const found = estimate(given({}), measurement, 4000 * mib);
    expect(found).toMatchObject({ weights: 1000, networks: 1, epochs: 12, stepPlots: 16, measuredPlots: 16 });
    expect(found.peakBytes / mib).toBeCloseTo(1900);
    expect(found.stepSeconds).toBeCloseTo(1.7);
    expect(found.trainingSeconds).toBeCloseTo(12 * (6 * 1.7 + 24 * 0.03));
    // What goes on, and the best epoch's weights.
    expect(found.checkpointBytes).toBe(12_000 + 4000);
    expect(found.verdict).toBe('fits');
    expect(found.lower).toBeUndefined();
    expect(found.largestBatchSize).toBe(29);
  });

  it('counts a network for each fold, and keeps those of all snapshots', () => {
    const found = estimate(given({ folds: 5, snapshots: 2 }), measurement, 4000 * mib);
    expect(found.networks).toBe(5);
    expect(found.trainingSeconds).toBeCloseTo(5 * 12 * found.epochSeconds);
    expect(found.checkpointBytes).toBe(12_000 + 4000 + 9 * 4000);
  });

  it('says what to lower where it does not fit, extrapolating as far as it takes', () => {
    const large = { ...given({ batchSize: 96 }) };
    const found = estimate(large, measurement, 4000 * mib);
    expect(found.peakBytes / mib).toBeCloseTo(9900);
    expect(found).toMatchObject({ stepPlots: 96, measuredPlots: 16, verdict: 'does not fit' });
    expect(found.lower?.batchSize).toBe(29);
  });

  it('tells the time of a hundred plots where nobody knows how many there are', () => {
    const found = estimate({ ...given({}), plots: undefined }, measurement, 4000 * mib);
    expect(found.epochSeconds).toBeCloseTo(7 * 0.1 + 100 * 0.1);
    expect(found.trainingSeconds).toBeUndefined();
  });
});

it('names what to lower where nothing was measured: half the batch, as long as there is half a batch', () => {
  const of = (params: object) => whatToLower(trainParams.parse({ model: 'convnet2d', ...params }));
  expect(of({})).toBe('`batchSize` from 16 to 8');
  expect(of({ batchSize: 2 })).toBe('`filters`');
  expect(whatToLower(trainParams.parse({ model: 'ridge' }))).toBeUndefined();
});

it('writes bytes and seconds as a person reads them', () => {
  expect([1000, 7.5 * mib, 612.4 * mib, 1740 * mib, 213 * 1024 * mib].map(bytesText)).toEqual([
    ...['1 KiB', '7.5 MiB', '612 MiB', '1.7 GiB', '213 GiB'],
  ]);
  expect([0.0851, 0.9996, 1.64, 9.96, 59.6, 136, 3599.7, 11_100, 187_200].map(secondsText)).toEqual([
    ...['85 ms', '1.0 s', '1.6 s', '10 s', '1 min', '2 min 16 s', '1 h', '3 h 5 min', '2 d 4 h'],
  ]);
});
