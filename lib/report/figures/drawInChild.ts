/** Draws an evaluation's figures in a process of its own. */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { evaluationFiles } from '../../../contract/model.ts';
import type { StageLog, StageProgress } from '../../../contract/stage.ts';
import { entryPoint } from '../../code/root.ts';
import { runChild } from '../../models/child/runChild.ts';
import { readLearningCurve } from '../../models/learningCurve.ts';
import type { DrawResult, DrawTask, FigureName } from './drawTask.ts';
import { type Collected, figureData } from './figureData.ts';

export interface Drawing extends Omit<Collected, 'curves' | 'embeddings'> {
  readonly models: readonly {
    readonly name: string;
    /** Where its artifact was materialised. */
    readonly folder: string;
    /** Where what it learned to see was written, if it was. */
    readonly embedded: string;
    readonly networks: number;
  }[];
  /** Where the figures go. */
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly log: StageLog;
  onProgress(progress: StageProgress): void;
}

export interface Drawn {
  readonly files: readonly { readonly path: string; readonly file: string }[];
  /** Figures that could not be drawn; one that has nothing to show is not among them. */
  readonly failed: readonly FigureName[];
}

/**
 * Figures are worth less than the numbers that they show: what cannot be drawn is left out, with a warning that says why.
 *
 * @throws the signal's reason once it is aborted, and nothing else
 */
export async function drawFigures(drawing: Drawing): Promise<Drawn> {
  const { folder, signal, log, onProgress } = drawing;
  onProgress({ doing: 'drawing figures' });
  try {
    await mkdir(folder, { recursive: true });
    const task: DrawTask = { data: figureData({ ...drawing, ...(await learnedOf(drawing)) }), output: folder };
    const entry = entryPoint('lib/report/figures/drawMain.ts');
    const { drawn, failed } = (await runChild({ entry, task, signal, log, onProgress })) as DrawResult;
    for (const { figure, why } of failed) log.warn(`the figure ${nameOf(figure)} could not be drawn: ${why}`);
    const files = drawn.flatMap((figure) =>
      ['svg', 'png'].map((format) => ({
        path: `${evaluationFiles.figures[figure]}.${format}`,
        file: join(folder, `${figure}.${format}`),
      })),
    );
    return { files, failed: failed.map(({ figure }) => figure) };
  } catch (error) {
    signal.throwIfAborted();
    log.warn(`no figures could be drawn: ${error instanceof Error ? error.message : String(error)}`);
    return { files: [], failed: Object.keys(evaluationFiles.figures) as FigureName[] };
  }
}

async function learnedOf({ models }: Drawing): Promise<Pick<Collected, 'curves' | 'embeddings'>> {
  const curves = await Promise.all(
    models.map(async ({ name, folder }) => [name, await readLearningCurve(folder)] as const),
  );
  const embeddings = models
    .filter(({ embedded }) => existsSync(embedded))
    .map(({ name, embedded, networks }) => [name, { file: embedded, networks }] as const);
  return { curves: new Map(curves), embeddings: new Map(embeddings) };
}

function nameOf(figure: FigureName): string {
  return evaluationFiles.figures[figure];
}
