/**
 * Turns a `plots` artifact into `features`: two passes, one plot in memory at a time.
 *
 * Pass 1 reads every plot once, brings it to size and keeps it in scratch with invalid pixels as NaN, with its moments. Only when
 * all plots were seen is it known which are bad, so how they split, so what the training plots' means are: pass 2 fills and writes.
 * Plots are taken in the order of their names throughout, so the output does not depend on how files are listed.
 */
import { join } from 'node:path';
import { setImmediate as breathe } from 'node:timers/promises';
import type { ArtifactReader, ArtifactWriter } from '../../contract/artifact.ts';
import { FurrowError } from '../../contract/errors.ts';
import { type PlotRow, type Preprocessing, type Split, splits } from '../../contract/features.ts';
import type { StageLog } from '../../contract/stage.ts';
import type { PreprocessParams } from '../../contract/stages/preprocess.ts';
import { plotsPerShard, writeFeatures } from './featuresWriter.ts';
import { openFittedPlots } from './fittedPlots.ts';
import { type BadInput, countKinds, failOnBadInput, logBadInput, sortBadInput } from './group/badInput.ts';
import { type DescribedPlot, describePlots } from './group/describePlots.ts';
import { groupFiles, type PlotFiles } from './group/groupFiles.ts';
import { readLabels } from './group/labels.ts';
import { deviation, joinMoments, type Moments, momentsOf, noMoments } from './moments.ts';
import { finishPlot } from './plot/preprocessPlot.ts';
import { readPlot } from './readPlot.ts';
import { partedGroups, splitPlots } from './split/splitPlots.ts';

export interface PreprocessWork {
  readonly plots: ArtifactReader;
  readonly params: PreprocessParams;
  readonly seed: number;
  /** An empty folder; as much room as the features take is needed there. */
  readonly scratch: string;
  readonly output: ArtifactWriter;
  readonly signal: AbortSignal;
  /** Takes the whole list of bad input. */
  readonly log: StageLog;
  progress(doing: string, done: number, total: number): void;
}

export interface PreprocessResult {
  readonly plots: Readonly<Record<Split, number>>;
  /** Plots by target, where targets are levels (at most 12). */
  readonly levels: Readonly<Record<string, number>> | undefined;
  readonly skipped: readonly BadInput[];
  readonly ignoredFiles: number;
  /** Files of bands that most plots have and `bands` leaves out. */
  readonly ignoredBands: Readonly<Record<string, number>>;
  readonly invalidPixels: number;
}

/** @throws FurrowError `DATA_BAD_INPUT` with everything that is wrong with the input; `DATA_EMPTY` */
export async function preprocessPlots(work: PreprocessWork): Promise<PreprocessResult> {
  const { params, output, seed } = work;
  const [height, width] = params.size;
  const fitting = {
    bands: params.bands,
    indices: params.indices,
    height,
    width,
    fit: params.fit,
    ...(params.validRange ? { validRange: params.validRange } : {}),
  };
  const channels = [...params.bands, ...params.indices];
  const { described, flawed, problems, ignored, ignoredBands, unskippable } = await describe(work);
  const bad = new Set(problems.map((problem) => problem.plot));

  const fittedPlots = await openFittedPlots(join(work.scratch, 'fitted.f32'), height * width * params.bands.length);
  try {
    // Pass 1.
    const seen: SeenPlot[] = [];
    const all: readonly PlotFiles[] = [...described, ...flawed];
    for (const [index, files] of all.entries()) {
      work.signal.throwIfAborted();
      const read = await readPlot(work.plots, files, fitting);
      const plot = described[index];
      if ('problems' in read) problems.push(...read.problems);
      else if (plot && !bad.has(plot.plot) && (problems.length === 0 || params.onBadInput === 'skip')) {
        seen.push({
          ...plot,
          position: await fittedPlots.append(read.fitted),
          moments: channelMoments(read.fitted, fitting),
        });
      }
      work.progress('reading plots', index + 1, all.length);
      await breathe();
    }
    const fails = params.onBadInput === 'fail' || unskippable;
    // A group that bad plots alone part is whole once they are dropped.
    const parted = partedGroups(fails ? described : seen);
    problems.push(...parted);
    logBadInput(problems, work.log);
    if (fails) failOnBadInput(problems);
    const dropped = new Set(parted.map((problem) => problem.plot));
    const kept = seen.filter((plot) => !dropped.has(plot.plot));
    if (kept.length === 0)
      throw new FurrowError('DATA_EMPTY', `No plot is left: ${problems.length} file(s) or plot(s) were skipped`);

    const split = splitPlots(kept, {
      test: 'test' in params.split ? params.split.test : undefined,
      validation: params.validation,
      seed,
    });
    const moments = channels.map((_, channel) =>
      kept
        .filter((plot) => split.get(plot.plot) === 'train')
        .reduce((joined, plot) => joinMoments(joined, plot.moments[channel] ?? noMoments), noMoments),
    );
    const preprocessing: Preprocessing = {
      ...fitting,
      fill: moments.slice(0, params.bands.length).map(({ mean }) => mean),
    };

    // Pass 2.
    const plotLength = height * width * channels.length;
    const writer = writeFeatures(output, plotLength, channels.length);
    const counts: Record<Split, number> = { train: 0, validation: 0, test: 0 };
    let written = 0;
    for (const name of splits) {
      for (const plot of kept.filter((candidate) => split.get(candidate.plot) === name)) {
        work.signal.throwIfAborted();
        const row: PlotRow = { plot: plot.plot, split: name, group: plot.group, target: plot.target };
        await writer.add(row, finishPlot(await fittedPlots.read(plot.position), preprocessing));
        counts[name]++;
        work.progress('writing features', ++written, kept.length);
      }
    }
    await writer.finish({
      format: 1,
      preprocessing,
      channels,
      statistics: { mean: moments.map(({ mean }) => mean), std: moments.map(deviation) },
      target:
        params.target === 'filename'
          ? { name: 'nitrogen', unit: 'kg/ha' }
          : { name: params.target.labels.target, unit: params.target.labels.unit },
      plots: counts,
      plotsPerShard: plotsPerShard(plotLength),
    });
    const pixels = kept.length * height * width * params.bands.length;
    const valid = kept.reduce(
      (sum, plot) => sum + plot.moments.slice(0, params.bands.length).reduce((s, { count }) => s + count, 0),
      0,
    );
    return {
      plots: counts,
      levels: levelsOf(kept),
      skipped: sortBadInput(problems),
      ignoredFiles: ignored,
      ignoredBands,
      invalidPixels: pixels - valid,
    };
  } finally {
    await fittedPlots.close();
  }
}

interface SeenPlot extends DescribedPlot {
  readonly position: number;
  /** Per channel, over valid pixels. */
  readonly moments: readonly Moments[];
}

interface Described {
  readonly described: readonly DescribedPlot[];
  /** The other plots, of which not all is known: their files may be bad, too. */
  readonly flawed: readonly PlotFiles[];
  readonly problems: BadInput[];
  readonly ignored: number;
  readonly ignoredBands: Readonly<Record<string, number>>;
  /** Something is wrong that no dropping of plots puts right. */
  readonly unskippable: boolean;
}

async function describe({ plots, params }: PreprocessWork): Promise<Described> {
  const paths = (await plots.files()).map((file) => file.path);
  const grouped = groupFiles(paths, params.pattern, params.bands);
  if (grouped.plots.length === 0) {
    throw new FurrowError(
      'DATA_EMPTY',
      `None of the ${paths.length} files is like \`${params.pattern}\` with a band of ${params.bands.join(', ')}`,
    );
  }
  const columns = params.target === 'filename' ? undefined : params.target.labels;
  const hasLabels = columns !== undefined && paths.includes(columns.file);
  const labels =
    columns && readLabels(hasLabels ? new TextDecoder().decode(await plots.read(columns.file)) : undefined, columns);
  const { plots: described, problems } = describePlots(grouped.plots, {
    labels,
    labelsFile: columns?.file ?? '',
    group: params.group,
    splitBy: 'by' in params.split ? params.split.by : undefined,
  });
  const known = new Set(described.map((plot) => plot.plot));
  return {
    described,
    flawed: grouped.plots.filter((plot) => !known.has(plot.plot)),
    problems: [...grouped.problems, ...(labels?.problems ?? []), ...problems],
    ignored: grouped.ignored - (hasLabels ? 1 : 0),
    ignoredBands: grouped.ignoredBands,
    unskippable: labels?.unusable ?? false,
  };
}

/** Indices are taken where all of their bands are valid. */
function channelMoments(fitted: Float32Array, fitting: Omit<Preprocessing, 'fill'>): Moments[] {
  const channels = fitting.bands.length + fitting.indices.length;
  const unfilled = finishPlot(fitted, { ...fitting, fill: fitting.bands.map(() => Number.NaN) });
  return Array.from({ length: channels }, (_, channel) => momentsOf(unfilled, channel, channels));
}

function levelsOf(plots: readonly DescribedPlot[]): Record<string, number> | undefined {
  const counts = new Map<number, number>();
  for (const { target } of plots) counts.set(target, (counts.get(target) ?? 0) + 1);
  if (counts.size > 12) return undefined;
  return Object.fromEntries([...counts].sort(([a], [b]) => a - b).map(([level, count]) => [String(level), count]));
}

export function skippedFacts(skipped: readonly BadInput[]): { count: number; kinds: Record<string, number> } {
  return { count: new Set(skipped.map(({ place }) => place)).size, kinds: countKinds(skipped) };
}
