import type { LearnedEpoch } from '../../models/learningCurve.ts';
import type { FigureData, FigureModel } from './figureData.ts';
import {
  amounts,
  type FigureSpec,
  figureOf,
  type Layer,
  type Panel,
  type Place,
  panelTitle,
  twoColours,
  withUnit,
} from './panels.ts';

/** Errors that differ by more than this factor are drawn on a logarithmic axis: else the first epochs would press the others flat. */
const widestLinear = 30;
/** Epochs whose points are still told apart. */
const mostDots = 20;

const sets = ['training', 'validation'] as const;

interface Point {
  readonly set: (typeof sets)[number];
  readonly fold: number;
  readonly epoch: number;
  readonly mae: number;
}

/** The errors of each epoch on training and on validation plots, for the models that learned in epochs. */
export function learningCurves(data: FigureData): FigureSpec | undefined {
  const models = data.models.filter(({ curve }) => curve.length > 0);
  if (models.length === 0) return undefined;
  const errors = models.flatMap(({ curve }) => pointsOf(curve).map(({ mae }) => mae));
  const [least, most] = [errors.reduce((a, b) => Math.min(a, b)), errors.reduce((a, b) => Math.max(a, b))];
  const logarithmic = least > 0 && most > widestLinear * least;
  const crossValidated = models.some(({ curve }) => foldsOf(curve) > 1);

  const panel = (model: FigureModel, place: Place): Panel => {
    const { side, left, bottom } = place;
    const points = pointsOf(model.curve);
    const folds = foldsOf(model.curve);
    const epochs = points.reduce((last, { epoch }) => Math.max(last, epoch), 0);
    const x = {
      field: 'epoch',
      type: 'quantitative' as const,
      title: bottom ? 'epoch' : null,
      scale: { domain: [Math.min(1, epochs - 1), epochs], nice: false, zero: false },
      axis: { tickMinStep: 1, format: 'd', grid: false },
    };
    const y = {
      field: 'mae',
      type: 'quantitative' as const,
      title: left ? withUnit('MAE', data) : null,
      scale: logarithmic
        ? { type: 'log' as const, domain: [0.9 * least, 1.1 * most], nice: false }
        : { domain: [0, 1.05 * most || 1], nice: false },
    };
    const color = {
      field: 'set',
      type: 'nominal' as const,
      title: 'plots',
      legend: { symbolOpacity: 1 },
      sort: null,
      scale: { domain: [...sets], range: [...twoColours] },
    };
    const line = (of: readonly Point[], strokeWidth: number, opacity: number): Layer => ({
      data: { values: [...of] },
      mark: {
        type: 'line',
        strokeWidth,
        opacity,
        point: epochs <= mostDots && folds === 1 ? { size: 18, opacity } : false,
      },
      encoding: { x, y, color, detail: { field: 'fold', type: 'nominal' } },
    });
    return {
      title: panelTitle(model, place, bestText(model, folds)),
      width: side,
      height: Math.round(0.7 * side),
      layer:
        folds === 1 ? [line(points, 1.8, 1)] : [line(points, 0.8, 0.35), line(meanOverFolds(points, folds), 2.2, 1)],
    };
  };

  return figureOf(
    {
      title: `Learning curves: mean absolute error (MAE) of ${data.target.name} by epoch`,
      notes: [
        'Training errors are as the steps saw them: varied plots, dropout on, weights that still change.',
        ...(crossValidated ? ['Thin lines are folds, thick ones the mean over all of them, as far as all go on.'] : []),
        ...(logarithmic ? ['The axis of errors is logarithmic.'] : []),
        ...(data.models.length < data.modelsInAll
          ? [`Of the best ${data.models.length} of ${data.modelsInAll} models by their validation error.`]
          : []),
      ],
    },
    models,
    panel,
  );
}

function pointsOf(curve: readonly LearnedEpoch[]): readonly Point[] {
  return curve.flatMap(({ fold, epoch, mae, val_mae }) => [
    { set: 'training', fold, epoch, mae },
    { set: 'validation', fold, epoch, mae: val_mae },
  ]);
}

function foldsOf(curve: readonly LearnedEpoch[]): number {
  return new Set(curve.map(({ fold }) => fold)).size;
}

/** Of the epochs that every fold has: where some ended early, the mean of the rest would jump. */
function meanOverFolds(points: readonly Point[], folds: number): readonly Point[] {
  const sums = new Map<string, Point & { readonly count: number }>();
  for (const { set, epoch, mae } of points) {
    const key = `${set} ${epoch}`;
    const { mae: sum, count } = sums.get(key) ?? { mae: 0, count: 0 };
    sums.set(key, { set, fold: 0, epoch, mae: sum + mae, count: count + 1 });
  }
  return [...sums.values()]
    .filter(({ count }) => count === folds)
    .map(({ count, ...sum }) => ({ ...sum, mae: sum.mae / count }));
}

function bestText({ curve }: FigureModel, folds: number): string {
  if (folds > 1) return `cross-validated, ${folds} folds`;
  const best = curve.reduce((a, b) => (b.val_mae < a.val_mae ? b : a));
  return `best validation MAE ${amounts(best.val_mae)[0]}, epoch ${best.epoch}`;
}
