/** Whether both sides compute the same: from the same weights, on the same batch, without dropout, step for step. */
import { join } from 'node:path';
import { largestRelativeDifference } from '../statistics.ts';
import { fieldPlot, ourProgram, paramsOf, threads, writeBatch } from './cases.ts';
import { torchProgram } from './python.ts';
import { Side } from './side.ts';
import { twinOf } from './speed.ts';

/** Losses behind the first tell of the gradients, too. */
const steps = 5;
/** Large enough for the losses to fall, small enough for rounding not to grow much from step to step. */
const lr = 0.001;

export interface Agreement {
  readonly network: string;
  readonly ours: readonly number[];
  readonly theirs: readonly number[];
  /** Of the first losses; of all. */
  readonly first: number;
  readonly all: number;
}

/** Of the same numbers in another order of additions: five digits of the first loss, three after gradients went through it. */
const limits = { first: 1e-5, all: 1e-3 };

export function agrees({ first, all }: Agreement): boolean {
  return first <= limits.first && all <= limits.all;
}

export async function compareLosses(
  network: string,
  { folder, python }: { folder: string; python: string },
): Promise<Agreement> {
  const dropout = 'dropout' in paramsOf(network) ? { dropout: 0 } : {};
  const params = paramsOf(network, { ...dropout, optimizer: { sgd: { lr } } });
  const batch = await writeBatch(folder, fieldPlot);
  const weights = join(folder, 'weights');
  const { height, width, channels } = fieldPlot;
  const ours = await losses(new Side(ourProgram()), { params, input: fieldPlot, batch, export: weights });
  const theirs = await losses(new Side(torchProgram(python)), {
    network: twinOf(network),
    spec: params,
    input: [height, width, channels],
    variant: 'eager',
    batch,
    lr,
    weights,
  });
  return {
    network,
    ours,
    theirs,
    first: largestRelativeDifference(ours.slice(0, 1), theirs.slice(0, 1)),
    all: largestRelativeDifference(ours, theirs),
  };
}

async function losses(side: Side, start: object): Promise<readonly number[]> {
  try {
    await side.ask('threads', { threads });
    await side.ask('start', start);
    return (await side.ask('steps', { count: steps })).losses;
  } finally {
    await side.close();
  }
}
