import type { Line } from './measuredSteps.ts';
import { at, mostPlots } from './measuredSteps.ts';

/** `tight`: it may do, when nothing else on the machine grows meanwhile. */
export type Verdict = 'fits' | 'tight' | 'does not fit';

/** Of the memory that is available: what is above is tight. A neighbour, or the page cache of the training's own files, needs some. */
export const comfortable = 0.8;

export function verdictOf(bytes: number, available: number): Verdict {
  if (bytes > available) return 'does not fit';
  return bytes > comfortable * available ? 'tight' : 'fits';
}

/** What a batch size can be; see `contract/networks/training.ts`. */
const batchSizes = { least: 2, most: 4096 } as const;

/** The largest batch size that fits in comfort; undefined where not even the least does. */
export function largestBatchSize(memory: Line, available: number): number | undefined {
  const most = Math.min(batchSizes.most, mostPlots(memory, comfortable * available));
  return most >= batchSizes.least ? most : undefined;
}

export interface Smaller {
  readonly batchSize: number;
  /** Pixels; only where no batch size is small enough. */
  readonly size?: { readonly height: number; readonly width: number };
  /** Of what is kept: below 1 only where no batch size is small enough. Filters, or whatever the network is wide by. */
  readonly width?: number;
  readonly peakBytes: number;
}

/**
 * What to lower so that a training fits in comfort: the batch size; where the least is still too much, the plots' size or the
 * network's width, by the share of the memory a plot that there is room for.
 */
export function smallerTraining(
  memory: Line,
  available: number,
  { height, width }: { height: number; width: number },
): Smaller | undefined {
  const batchSize = largestBatchSize(memory, available);
  if (batchSize !== undefined) return { batchSize, peakBytes: at(memory, batchSize) };
  const share = (comfortable * available - memory.fixed) / (memory.perPlot * batchSizes.least);
  // The network alone is too much: how its weights depend on plots and filters is its own affair.
  if (!(share > 0)) return undefined;
  const scale = Math.sqrt(share);
  return {
    batchSize: batchSizes.least,
    size: { height: Math.floor(height * scale), width: Math.floor(width * scale) },
    width: share,
    peakBytes: comfortable * available,
  };
}
