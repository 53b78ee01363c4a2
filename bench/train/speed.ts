/** A training step of ours and of PyTorch's, taken in turns: a few steps of one while the others wait, round by round. */
import { ratioByRounds, type Spread, spread } from '../statistics.ts';
import { fieldPlot, ourProgram, paramsOf, plotsOfABatch, threads, writeBatch } from './cases.ts';
import { trainingFlop } from './flop.ts';
import { torchProgram } from './python.ts';
import { Side } from './side.ts';

export const variants = ['eager', 'channels_last', 'compile', 'compile, channels_last'] as const;
export type SideName = 'ours' | (typeof variants)[number];

/** How many times as fast as PyTorch's best a network is promised to be. */
const limits: Readonly<Record<string, number>> = { convnet2d: 1.25, vit: 1 };

/** Steps before the first that counts: allocators grow, and PyTorch compiles. */
const warmUpSteps = 3;
/** Long enough that a turn is not all about starting again, short enough for many turns. */
const turnMs = 1_500;
const mostStepsOfATurn = 20;

export interface SpeedRow {
  readonly network: string;
  readonly side: SideName;
  /** Why there are no figures. */
  readonly unavailable?: string;
  readonly imagesPerSecond?: Spread;
  readonly peakMemory?: number;
  /** Resident with the library loaded and nothing else. */
  readonly libraryMemory?: number;
}

export interface SpeedResult {
  readonly network: string;
  readonly flopOfAnImage: number;
  readonly weights: number;
  readonly rows: readonly SpeedRow[];
  readonly best?: SideName;
  /** How many times as fast as PyTorch's best. */
  readonly ratio?: Spread;
  readonly limit?: number;
}

interface Runner {
  readonly name: SideName;
  readonly side: Side;
  readonly libraryMemory: number;
  readonly weights: number;
  /** Milliseconds of each step, by round. */
  readonly rounds: number[][];
}

export async function compareSpeed(
  network: string,
  { folder, python, rounds }: { folder: string; python: string | undefined; rounds: number },
): Promise<SpeedResult> {
  const params = paramsOf(network);
  const batch = await writeBatch(folder, fieldPlot);
  const { height, width, channels } = fieldPlot;
  const lr = 'sgd' in params.optimizer ? params.optimizer.sgd.lr : Number.NaN;
  const twin = { network: twinOf(network), spec: params, input: [height, width, channels], batch, lr };
  const runners: Runner[] = [];
  const unavailable: SpeedRow[] = [];
  try {
    for (const name of ['ours', ...(python ? variants : [])] as const) {
      const side = new Side(name === 'ours' || !python ? ourProgram() : torchProgram(python));
      try {
        await side.ask('threads', { threads });
        const libraryMemory = side.memory().resident;
        const { weights } = await side.ask(
          'start',
          name === 'ours' ? { params, input: fieldPlot, batch } : { ...twin, variant: name },
        );
        await side.ask('steps', { count: warmUpSteps });
        runners.push({ name, side, libraryMemory, weights, rounds: [] });
      } catch (error) {
        await side.close();
        if (name === 'ours') throw error;
        unavailable.push({ network, side: name, unavailable: (error as Error).message.slice(0, 200) });
      }
    }
    const count = await stepsOfATurn(runners);
    for (let round = 0; round < rounds; round++) {
      for (const { side, rounds: measured } of runners) {
        measured.push([...(await side.ask('steps', { count })).ms]);
      }
    }
    return summarize(network, runners, unavailable);
  } finally {
    await Promise.all(runners.map(({ side }) => side.close()));
  }
}

/** The module in bench/torch. */
export function twinOf(network: string): string {
  return network.replaceAll('-', '_');
}

/** As many for all, so that each has the same share of first steps. */
async function stepsOfATurn(runners: readonly Runner[]): Promise<number> {
  const [ours] = runners;
  const { ms } = await (ours as Runner).side.ask('steps', { count: 2 });
  return Math.min(mostStepsOfATurn, Math.max(2, Math.ceil(turnMs / Math.min(...ms))));
}

function summarize(network: string, runners: readonly Runner[], unavailable: readonly SpeedRow[]): SpeedResult {
  const rows = runners.map(
    ({ name, side, libraryMemory, rounds }): SpeedRow => ({
      network,
      side: name,
      imagesPerSecond: spread(rounds.flat().map((ms) => plotsOfABatch / (ms / 1000))),
      peakMemory: side.memory().peak,
      libraryMemory,
    }),
  );
  const [ours, ...theirs] = runners as [Runner, ...Runner[]];
  const wrong = theirs.find(({ weights }) => weights !== ours.weights);
  if (wrong) throw new Error(`${network} has ${ours.weights} weights, its PyTorch twin ${wrong.weights}`);
  // The one that ours is least ahead of.
  const [closest] = theirs
    .map(({ name, rounds }) => ({ name, ratio: ratioByRounds(ours.rounds, rounds) }))
    .sort((a, b) => a.ratio.median - b.ratio.median);
  const limit = limits[network];
  return {
    network,
    flopOfAnImage: trainingFlop(paramsOf(network), fieldPlot),
    weights: ours.weights,
    rows: [...rows, ...unavailable],
    ...(closest && { best: closest.name, ratio: closest.ratio }),
    ...(limit !== undefined && { limit }),
  };
}
