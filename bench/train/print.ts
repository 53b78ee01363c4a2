import type { Spread } from '../statistics.ts';
import { printTable } from '../table.ts';
import { type Agreement, agrees } from './agreement.ts';
import { fieldPlot, plotsOfABatch, threads } from './cases.ts';
import type { CheckpointRow } from './checkpoints.ts';
import type { GrowthPoint } from './growth.ts';
import type { Peak } from './peak.ts';
import type { SpeedResult, SpeedRow } from './speed.ts';
import type { StartRow } from './start.ts';

export interface MeasuredNetwork {
  readonly speed: SpeedResult;
  /** As far as it was known then. */
  readonly peak: Peak;
  /** With PyTorch alone. */
  readonly agreement?: Agreement;
}

/** What was measured; parts that were not asked for are absent. */
export interface Results {
  readonly networks?: MeasuredNetwork[];
  readonly growth?: { readonly network: string; readonly points: readonly GrowthPoint[] };
  readonly starts?: readonly StartRow[];
  readonly checkpoints?: readonly CheckpointRow[];
}

export function print({ networks = [], growth, starts, checkpoints }: Results): void {
  for (const network of networks) printNetwork(network);
  if (growth) printGrowth(growth);
  if (starts) {
    heading('start of a training: from spawn to the first step done');
    printTable([
      ['training', 'ms', 'middle half', 'limit'],
      ...starts.map(({ name, ms, limit }) => [
        name,
        ms.median.toFixed(0),
        range(ms, 0),
        over(`${limit} ms`, ms.median > limit),
      ]),
    ]);
  }
  if (checkpoints) printCheckpoints(checkpoints);
}

function printNetwork({ speed: result, peak, agreement }: MeasuredNetwork): void {
  const { network, flopOfAnImage, weights, rows, ratio, best, limit } = result;
  const { height, width, channels } = fieldPlot;
  const size = `${height}x${width}x${channels}, batch ${plotsOfABatch}, ${(weights / 1e6).toFixed(2)} M weights`;
  heading(`${network}: ${size}, ${gflops(flopOfAnImage, 2)} GFLOP a training image`);
  const version = peak.version ? `, PyTorch ${peak.version} ${gflops(peak.pytorch)}` : '';
  line(`peak of 2048x2048 products on ${threads} threads, GFLOP/s: TensorFlow ${gflops(peak.tensorflow)}${version}`);
  if (agreement) printAgreement(agreement);
  const most = Math.max(peak.tensorflow, peak.pytorch);
  printTable([
    ['side', 'images/s', 'middle half', 'of peak', 'peak memory', 'library alone'],
    ...rows.map(({ side, unavailable, imagesPerSecond: speed, peakMemory, libraryMemory }) => {
      const name = side === 'ours' ? 'ours' : `PyTorch, ${side}`;
      if (!speed) return [name, `not available: ${unavailable}`];
      const share = percent((speed.median * flopOfAnImage) / most);
      return [name, digits(speed.median), range(speed), share, megabytes(peakMemory), megabytes(libraryMemory)];
    }),
  ]);
  if (!ratio) return;
  const below = limit !== undefined && ratio.median < limit;
  const said = `ours to PyTorch's best (${best}), round by round: ${ratio.median.toFixed(2)} x (${range(ratio, 2)})`;
  line(`${said}${limit === undefined ? '' : `, limit ${limit}`}${below ? '  UNDER ITS LIMIT' : ''}`);
  const ours = rows.find(({ side }) => side === 'ours');
  const theirs = rows.find(({ side }) => side === best);
  if (!ours || !theirs) return;
  const memory = memoryOf(ours) / memoryOf(theirs);
  const alone = (memoryOf(ours) - libraryOf(ours)) / (memoryOf(theirs) - libraryOf(theirs));
  const without = `(${alone.toFixed(2)} x without the libraries)`;
  line(`peak memory to that of ${best}: ${memory.toFixed(2)} x ${without}${over(', limit 1', memory > 1)}`);
}

function memoryOf({ peakMemory = Number.NaN }: SpeedRow): number {
  return peakMemory;
}

function libraryOf({ libraryMemory = Number.NaN }: SpeedRow): number {
  return libraryMemory;
}

function printAgreement(agreement: Agreement): void {
  const list = (losses: readonly number[]) => losses.map((loss) => loss.toFixed(6)).join(' ');
  const [first, all] = [agreement.first, agreement.all].map((difference) => difference.toExponential(0));
  line(`losses from the same weights, ours:     ${list(agreement.ours)}`);
  line(`                                theirs: ${list(agreement.theirs)}`);
  line(`differ by ${first} of the first, ${all} of any${agrees(agreement) ? '' : '  NOT THE SAME'}`);
}

function printGrowth({ network, points }: NonNullable<Results['growth']>): void {
  heading(`growth with the steps: ${network}`);
  printTable([
    ['steps', 'resident', 'tensors'],
    ...points.map(({ steps, resident, tensors }) => [String(steps), megabytes(resident), String(tensors)]),
  ]);
}

function printCheckpoints(rows: readonly CheckpointRow[]): void {
  heading(`cost of checkpoints: ${rows[0]?.network} with adamw, into a store on disk`);
  printTable([
    ['a checkpoint every', 'seconds', 'checkpoints', 'of', 'share', 'limit'],
    ...rows.map(({ every, seconds, checkpoints, bytes, share, limit }) => [
      every,
      seconds.toFixed(1),
      String(checkpoints),
      megabytes(bytes),
      percent(share, 1),
      limit === undefined ? '' : over(percent(limit), share > limit),
    ]),
  ]);
}

function heading(text: string): void {
  line(`\n${text}`);
}

function line(text: string): void {
  process.stdout.write(`${text}\n`);
}

function over(limit: string, isOver: boolean): string {
  return `${limit}${isOver ? '  OVER ITS LIMIT' : ''}`;
}

function range({ least, most }: Spread, places?: number): string {
  const text = (value: number) => (places === undefined ? digits(value) : value.toFixed(places));
  return `${text(least)}-${text(most)}`;
}

/** Three digits that count. */
function digits(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 2);
}

function gflops(value: number, places = 0): string {
  return (value / 1e9).toFixed(places);
}

function megabytes(bytes = Number.NaN): string {
  return Number.isFinite(bytes) ? `${(bytes / 1e6).toFixed(0)} MB` : '';
}

function percent(share: number, places = 0): string {
  return `${(share * 100).toFixed(places)} %`;
}
