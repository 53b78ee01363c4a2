/** Evaluations made up for tests of figures: models that err by rule. */
import type { LearnedEpoch } from '../../../models/learningCurve.ts';
import { compareModels } from '../../compare.ts';
import { type Collected, type FigureData, figureData } from '../figureData.ts';

export interface Example {
  /** Each errs more than the one before it. */
  readonly names?: readonly string[];
  readonly targets?: readonly number[];
  readonly set?: Partial<Collected>;
  /** What a model says of a plot. */
  predict?(target: number, plot: number, model: number): number;
}

export const doses = (plots: number, levels = 4) => Array.from({ length: plots }, (_, plot) => (plot % levels) * 100);

/** One line an epoch, in folds of the lengths that are asked for. */
export const curve = (...lengths: readonly number[]): LearnedEpoch[] =>
  lengths.flatMap((epochs, fold) =>
    Array.from({ length: epochs }, (_, at) => ({
      ...{ fold: fold + 1, epoch: at + 1, step: at + 1, loss: 1 },
      ...{ mae: 100 / (at + 1), val_mae: 120 / (at + 1) + fold },
    })),
  );

export async function exampleFigures(example: Example = {}): Promise<FigureData> {
  const { targets = doses(40), set } = example;
  return figureData({
    ...(await exampleEvaluation(example)),
    ...{ targets, split: 'test', seed: 42, curves: new Map(), embeddings: new Map(), embeddedTargets: [] },
    ...set,
  });
}

export async function exampleEvaluation(example: Example = {}): Promise<Pick<Collected, 'evaluation' | 'candidates'>> {
  const { names = ['convnet', 'vit'], targets = doses(40) } = example;
  const { predict = (target, plot, model) => target + (1 + model) * (((plot * 7) % 11) - 4) } = example;
  const ref = { uri: 'x', digest: 'sha256:0', kind: 'model', bytes: 1 } as const;
  const candidate = (name: string, model: number, isBaseline = false) => ({
    name,
    network: 'vit',
    validation: targets.map((target, plot) => predict(target, plot, model)),
    test: targets.map((target, plot) => predict(target, plot, model)),
    ...(isBaseline ? {} : { model: ref }),
  });
  const candidates = [...names.map((name, at) => candidate(name, at)), candidate('median (baseline)', 20, true)];
  const evaluation = await compareModels({
    metric: 'mae',
    target: { name: 'nitrogen', unit: 'kg/ha' },
    candidates,
    learnedFrom: false,
    targets: { validation: targets, test: targets },
    seed: 1,
    resamples: 100,
  });
  return { evaluation, candidates };
}

/** The points of each panel, in order. */
export function pointsIn(svg: string): readonly number[] {
  return [...svg.matchAll(/<g class="mark-symbol role-mark[^"]*"[^>]*>(.*?)<\/g>/g)].map(
    ([, marks = '']) => marks.split('<path').length - 1,
  );
}

/** Line by line. */
export function textsIn(svg: string): readonly string[] {
  return [...svg.matchAll(/<(?:text|tspan)[^>]*>([^<]+)</g)].map(([, text = '']) => text);
}
