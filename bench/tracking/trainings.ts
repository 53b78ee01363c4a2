import { startWandbServer, type WandbServer, wandbKey } from '../../lib/tracking/testing/wandb/server.ts';
import type { TestFurrow } from '../../test/harness/furrow.ts';
import { installProduct, spawnWorker } from '../../test/harness/product.ts';
import { median, type Spread, spread } from '../statistics.ts';
import { printTable } from '../table.ts';

/** `off`: without a key. `down`: nothing listens there. `silent`: it takes what is sent and never answers. */
const ways = ['off', 'on', 'down', 'silent'] as const;
type Way = (typeof ways)[number];

export interface TrainingsResult {
  readonly rounds: number;
  /** Seconds, medians: of the training's attempt, and of the run around it. */
  readonly seconds: Readonly<Record<Way, { readonly training: number; readonly run: number }>>;
  /** Of each round's training: how many times as long as untracked. */
  readonly ratio: Readonly<Record<Exclude<Way, 'off'>, Spread>>;
  /** Seconds that a run takes longer than untracked, by rounds. */
  readonly added: Readonly<Record<Exclude<Way, 'off'>, Spread>>;
  /** Rows that W&B had at the end of a training that it was shown live. */
  readonly rows: number;
}

interface Measured {
  readonly training: number;
  readonly run: number;
}

export async function measureTrainings(
  furrow: TestFurrow,
  options: { readonly rounds: number; readonly epochs: number; say(text: string): void },
): Promise<TrainingsResult> {
  const { rounds, epochs, say } = options;
  const product = installProduct(furrow.folder);
  const measured: Record<Way, Measured[]> = { off: [], on: [], down: [], silent: [] };
  let rows = 0;
  for (let round = -1; round < rounds; round++) {
    // Another one first in each round; before the first one, data and features are made.
    const order = round < 0 ? ['off' as const] : ways.map((_, index) => ways[(index + round) % ways.length] as Way);
    for (const way of order) {
      say(round < 0 ? 'data and features' : `round ${round + 1}: ${way}`);
      const server = await startWandbServer({ away: way === 'down' });
      if (way === 'silent') server.faults = () => 'hang';
      const worker = await spawnWorker(furrow, product, { env: environment(way, server) });
      try {
        const took = await train(furrow, round < 0 ? 1 : epochs);
        if (round >= 0) measured[way].push(took);
        if (way === 'on') rows = Math.max(rows, ...server.runs.map((run) => run.rows().length));
      } finally {
        await worker.terminate();
        await server.close();
      }
    }
  }
  const column = (way: Way, what: keyof Measured) => measured[way].map((each) => each[what]);
  const against = (way: Way, compare: (here: number, off: number) => number, what: keyof Measured) =>
    spread(column(way, what).map((value, round) => compare(value, column('off', what)[round] as number)));
  const tracked = ['on', 'down', 'silent'] as const;
  const each = <T>(of: (way: (typeof tracked)[number]) => T) =>
    Object.fromEntries(tracked.map((way) => [way, of(way)])) as Record<(typeof tracked)[number], T>;
  return {
    rounds,
    rows,
    seconds: Object.fromEntries(
      ways.map((way) => [way, { training: median(column(way, 'training')), run: median(column(way, 'run')) }]),
    ) as TrainingsResult['seconds'],
    ratio: each((way) => against(way, (here, off) => here / off, 'training')),
    added: each((way) => against(way, (here, off) => here - off, 'run')),
  };
}

function environment(way: Way, { url }: WandbServer): Record<string, string> {
  return way === 'off'
    ? { WANDB_MODE: 'disabled' }
    : { WANDB_MODE: 'online', WANDB_API_KEY: wandbKey, WANDB_BASE_URL: url };
}

async function train(furrow: TestFurrow, epochs: number): Promise<Measured> {
  const handle = await furrow.start(pipeline(epochs), { refresh: ['model'] });
  const started = performance.now();
  await handle.result();
  const run = (performance.now() - started) / 1000;
  const { stages } = await furrow.progress(handle);
  const training = stages.find(({ name }) => name === 'model')?.provenance?.seconds;
  if (training === undefined) throw new Error('Expected the run to have trained');
  return { training, run };
}

/** A row a step, ten times a second or more: more than most trainings log. */
const pipeline = (epochs: number) => `
name: bench
seed: 1
stages:
  data: { uses: fetchData, with: { source: 'synthetic:plots?train=120&test=4' } }
  features: { uses: preprocess, needs: [data], with: { bands: [green, red, red_edge, nir], target: filename, size: [80, 53] } }
  model:
    uses: train
    needs: [features]
    queue: train-gpu
    with: { model: convnet2d, filters: [32, 32], batchSize: 8, epochs: ${epochs}, optimizer: { sgd: { lr: 0.01 } } }
tracking: { wandb: {} }
`;

export function printTrainings({ seconds, ratio, added, rounds, rows }: TrainingsResult): void {
  printTable([
    ['W&B', 'training s', 'times untracked', '(middle half)', 'run s', 'added s', '(middle half)'],
    ...ways.map((way) => {
      const base = [way, seconds[way].training.toFixed(2)];
      if (way === 'off') return [...base, '', '', seconds[way].run.toFixed(2)];
      const [times, more] = [ratio[way], added[way]];
      return [
        ...[...base, times.median.toFixed(4), `${times.least.toFixed(3)}-${times.most.toFixed(3)}`],
        ...[seconds[way].run.toFixed(2), more.median.toFixed(2), `${more.least.toFixed(2)}-${more.most.toFixed(2)}`],
      ];
    }),
  ]);
  process.stdout.write(`${rounds} rounds, medians; ${rows} rows shown live\n`);
}
