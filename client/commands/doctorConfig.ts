/** `furrow doctor CONFIG`: what each training of a pipeline will take of memory and time, and whether this machine has it. */
import type { ResolvedPipeline } from '../../contract/config.ts';
import { FurrowError } from '../../contract/errors.ts';
import { bytesText, secondsText } from '../../lib/models/estimate/amounts.ts';
import type { Estimate } from '../../lib/models/estimate/estimate.ts';
import { estimate, plotsUnknown } from '../../lib/models/estimate/estimate.ts';
import { availableMemory, type MemoryAmount } from '../../lib/models/estimate/machineMemory.ts';
import { measureTraining } from '../../lib/models/estimate/measure.ts';
import { type PlannedTraining, plannedTrainings } from '../../lib/models/estimate/plannedTrainings.ts';
import { largestStep, plotsOfNetwork } from '../../lib/models/estimate/trainingTime.ts';
import { comfortable } from '../../lib/models/estimate/verdict.ts';
import { whatNarrows } from '../../lib/models/estimate/whatToLower.ts';
import { tensorflowThreads } from '../../lib/models/runtimeClass.ts';
import { table } from '../output.ts';

/** Seconds that the steps of one training may take. The default network on two idle cores takes half of them. */
const measuringSeconds = 20;

export type TrainingReport = {
  readonly stage: string;
  readonly network: string;
  readonly input: PlannedTraining['input'];
} & (
  | { readonly kind: 'estimate'; readonly estimate: Estimate }
  /** In closed form: there is nothing to measure. */
  | { readonly kind: 'trivial' }
  | { readonly kind: 'too large' }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }
);

export interface ConfigReport {
  readonly pipeline: string;
  readonly available: MemoryAmount;
  readonly threads: number;
  readonly trainings: readonly TrainingReport[];
}

/** @param say takes a line about what is being measured */
export async function examineTrainings(pipeline: ResolvedPipeline, say: (line: string) => void): Promise<ConfigReport> {
  const available = availableMemory();
  const trainings: TrainingReport[] = [];
  for (const planned of await plannedTrainings(pipeline, process.cwd()))
    trainings.push(await examine(planned, available.bytes, say));
  return { pipeline: pipeline.name, available, threads: tensorflowThreads(), trainings };
}

async function examine(
  planned: PlannedTraining,
  available: number,
  say: (line: string) => void,
): Promise<TrainingReport> {
  const { stage, params, input, plots } = planned;
  const of = { stage, network: params.model, input };
  if (params.model === 'ridge') return { ...of, kind: 'trivial' };
  if (plots && params.folds !== undefined && plots.groups < params.folds) {
    const message = `\`folds\` asks for ${params.folds} parts, and the plots have ${plots.groups} groups`;
    return { ...of, kind: 'failed', code: 'CONFIG_INVALID', message };
  }
  const train = plots && plotsOfNetwork(plots, params.folds).train;
  try {
    const measurement = await measureTraining({
      ...{ params, input, available, seconds: measuringSeconds },
      target: train === undefined ? params.batchSize : largestStep(train, params.batchSize),
      onProgress: (doing) => say(`${stage}: ${doing}`),
    });
    if (!measurement) return { ...of, kind: 'too large' };
    return { ...of, kind: 'estimate', estimate: estimate({ params, input, plots }, measurement, available) };
  } catch (error) {
    if (!(error instanceof FurrowError)) throw error;
    return { ...of, kind: 'failed', code: error.code, message: error.message };
  }
}

export function isSound({ trainings }: ConfigReport): boolean {
  return trainings.every(
    (training) =>
      training.kind === 'trivial' || (training.kind === 'estimate' && training.estimate.verdict !== 'does not fit'),
  );
}

export function reportLines({ pipeline, available, threads, trainings }: ConfigReport): string[] {
  if (trainings.length === 0) return [`${pipeline} trains nothing whose plots are known before it runs.`];
  return [
    `${pipeline}: what its trainings will take here, with ${threads} threads and ${bytesText(available.bytes)} of memory (${available.from})`,
    '',
    ...table([header, ...trainings.map(row)]),
    ...trainings
      .map((training) => notes(training, available))
      .flatMap((note) => (note.length > 0 ? ['', note.join(' ')] : [])),
  ];
}

const header = [
  ...['', 'STAGE', 'NETWORK', 'INPUT', 'WEIGHTS', 'TRAIN + VAL', 'BATCH'],
  ...['MEMORY', 'STEP', 'EPOCH', 'TRAINING', 'CHECKPOINT', ''],
];

function row(training: TrainingReport): string[] {
  const { stage, network, input } = training;
  const shape = `${input.height}x${input.width}x${input.channels}`;
  if (training.kind !== 'estimate') {
    const [mark, verdict] = verdictOf(training);
    return [mark, stage, network, shape, '–', '–', '–', '–', '–', '–', '–', '–', verdict];
  }
  const { plots, networks, epochs, trainingSeconds, verdict, ...of } = training.estimate;
  const times = networks === 1 ? `${epochs} epochs` : `${networks} x ${epochs} epochs`;
  return [
    ...[verdictMarks[verdict], stage, network, shape, of.weights.toLocaleString('en')],
    ...[plots ? `${plots.train} + ${plots.validation}` : 'not known', String(of.batchSize)],
    ...[bytesText(of.peakBytes), secondsText(of.stepSeconds)],
    secondsText(of.epochSeconds) + (plots ? '' : ` per ${plotsUnknown} plots`),
    trainingSeconds === undefined ? times : `${secondsText(trainingSeconds)} (${times})`,
    ...[bytesText(of.checkpointBytes), verdict],
  ];
}

const verdictMarks = { fits: '✔', tight: '!', 'does not fit': '✘' } as const;

function verdictOf(training: Exclude<TrainingReport, { kind: 'estimate' }>): readonly [mark: string, verdict: string] {
  if (training.kind === 'trivial') return ['✔', 'solved at once'];
  if (training.kind === 'too large') return ['✘', 'does not fit'];
  return ['✘', training.code === 'CONFIG_INVALID' ? 'cannot be trained' : 'not measured'];
}

function notes(training: TrainingReport, available: MemoryAmount): string[] {
  const { stage } = training;
  if (training.kind === 'trivial') return [];
  if (training.kind === 'failed') return [`${stage}: ${training.message}`];
  if (training.kind === 'too large')
    return [`${stage}: a step of 2 plots takes more memory than there is. Lower ${whatNarrows(training.network)}.`];
  const of = training.estimate;
  const { lower, verdict } = of;
  const extrapolated =
    of.measuredPlots < of.stepPlots ? [`Extrapolated from steps of up to ${of.measuredPlots} plots.`] : [];
  if (verdict === 'fits') return extrapolated.map((note) => `${stage}: ${note}`);
  const least = verdict === 'tight' ? `, more than ${comfortable * 100} % of it` : '';
  return [
    `${stage}: needs about ${bytesText(of.peakBytes)} of memory, and ${bytesText(available.bytes)} is available${least}.`,
    lower ? advice(of.batchSize, lower, training) : 'Its weights alone are too much: make the network smaller.',
    ...extrapolated,
  ];
}

function advice(
  batchSize: number,
  { batchSize: largest, size, width, peakBytes }: NonNullable<Estimate['lower']>,
  { input, network }: TrainingReport,
): string {
  const least = largest < batchSize ? `\`batchSize\` from ${batchSize} to ${largest}` : '';
  if (!size) return `Lower ${least} (about ${bytesText(peakBytes)}).`;
  const narrower = `${whatNarrows(network)} to ${Math.floor((width ?? 1) * 100)} % of what it is`;
  const smaller = `\`size\` of the plots from ${input.height}x${input.width} to about ${size.height}x${size.width}`;
  // Plots of another size would have to be whole patches, too.
  return `Lower ${least ? `${least}, and ` : ''}${network === 'vit' ? narrower : `${narrower}, or ${smaller}`}.`;
}
