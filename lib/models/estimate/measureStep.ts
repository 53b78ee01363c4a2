/** Takes real steps of a training on made-up plots. Runs in a process of its own: the peak is the process's. */
import type { FeaturesDescription, PlotRow } from '../../../contract/features.ts';
import type { Features } from '../../data/features.ts';
import { processMemory } from '../child/memory.ts';
import type { Tf } from '../tensorflow.ts';
import type { NamedTensor } from '../trainer/checkpoint.ts';
import { FoldRun } from '../trainer/foldRun.ts';
import { nextPlace, startPosition } from '../trainer/position.ts';
import { leastSteps, type MeasuredStep } from './measuredSteps.ts';
import type { MeasuredNetwork, MeasureTask } from './measureTask.ts';

/**
 * One step that is not counted, then some that are, and a validation, with a copy of the best weights and one for a checkpoint kept
 * as in a training.
 */
export async function measureStep(
  tf: Tf,
  { params, input, plots, steps, seconds }: MeasureTask,
): Promise<MeasuredStep & MeasuredNetwork> {
  const features = madeUpFeatures(input, plots);
  const places = features.rows('train').map((_, index) => ({ split: 'train' as const, index }));
  const fold = new FoldRun({
    ...{ tf, features, number: 0, seed: 0, fold: { train: places, validation: places } },
    params: { ...params, batchSize: plots, epochs: Math.max(params.epochs, steps + 2) },
  });
  try {
    const started = performance.now();
    const taken: number[] = [];
    let best: readonly NamedTensor[] = [];
    let state: readonly NamedTensor[] = [];
    let position = startPosition;
    while (taken.length < 1 + steps) {
      if (taken.length >= leastSteps && secondsSince(started) + 2 * (taken.at(-1) as number) > seconds) break;
      const begun = performance.now();
      const batch = await fold.read(position);
      if (!batch) break;
      fold.step(batch, position);
      taken.push(secondsSince(begun));
      position = nextPlace(position, fold.stepsPerEpoch);
      if (taken.length > 1) continue;
      best = fold.weights();
      state = fold.state();
    }
    const begun = performance.now();
    await fold.validate();
    const validateSeconds = secondsSince(begun);
    const peakBytes = processMemory('self')?.peak ?? process.resourceUsage().maxRSS * 1024;
    return {
      ...{ plots, stepSeconds: median(taken.slice(1)), validateSeconds, peakBytes },
      ...{ weights: count(best), stateBytes: count(state) * Float32Array.BYTES_PER_ELEMENT },
    };
  } finally {
    fold.dispose();
  }
}

/** Plots in memory; what their pixels are changes neither time nor memory. */
function madeUpFeatures({ height, width, channels }: MeasureTask['input'], plots: number): Features {
  const plotLength = height * width * channels;
  const names = Array.from({ length: channels }, (_, index) => `channel${index}`);
  const rows = Array.from(
    { length: plots },
    (_, index): PlotRow => ({ plot: `plot${index}`, split: 'train', group: `plot${index}`, target: index % 4 }),
  );
  const description: FeaturesDescription = {
    format: 1,
    preprocessing: { bands: names, indices: [], height, width, fit: 'crop', fill: names.map(() => 0) },
    channels: names,
    statistics: { mean: names.map(() => 0.5), std: names.map(() => 0.3) },
    target: { name: '', unit: '' },
    plots: { train: plots, validation: 0, test: 0 },
    plotsPerShard: plots,
  };
  const pixels = Float32Array.from({ length: plots * plotLength }, (_, index) => ((index * 7919) % 1009) / 1009);
  return {
    description,
    plotLength,
    rows: (split) => (split === 'train' ? rows : []),
    readSummary: async () => new Float32Array(plots * 2 * channels),
    // A copy: the trainer standardises and varies what it has read.
    readPlots: async (_, indices) =>
      pixels.slice(0, ('from' in indices ? indices.to - indices.from : indices.length) * plotLength),
  };
}

function count(tensors: readonly { readonly values: Float32Array }[]): number {
  return tensors.reduce((sum, { values }) => sum + values.length, 0);
}

function secondsSince(started: number): number {
  return (performance.now() - started) / 1000;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}
