import { quantile } from '../bootstrap.ts';
import { dosesOf } from '../levels.ts';
import type { FigureData, FigureModel } from './figureData.ts';
import { levelColour } from './levelColours.ts';
import {
  amounts,
  commonNotes,
  domainOf,
  type FigureSpec,
  figureOf,
  guideColour,
  type Layer,
  type Panel,
  type Place,
  panelTitle,
  plotMark,
  plotsText,
  withUnit,
} from './panels.ts';
import { spreadOut } from './strip.ts';

interface Residual {
  readonly target: number;
  /** Where it is drawn. */
  readonly at: number;
  /** Predicted minus true. */
  readonly residual: number;
}

/** By how much each plot is over- or underestimated, over its true value; by level where there are levels. */
export function residuals(data: FigureData): FigureSpec | undefined {
  if (data.targets.length === 0) return undefined;
  const doses = dosesOf(data.targets);
  const { at, half } = spreadOut(data.targets, data.seed);
  const rowsOf = ({ predicted }: FigureModel): readonly Residual[] =>
    data.targets
      .map((target, plot) => ({ target, at: at[plot] as number, residual: (predicted[plot] as number) - target }))
      .filter(({ residual }) => Number.isFinite(residual));
  const xDomain = domainOf(data.targets.flatMap((target) => [target - 2 * half, target + 2 * half]));
  const yDomain = domainOf([0, ...data.models.flatMap((model) => rowsOf(model).map(({ residual }) => residual))]);

  const panel = (model: FigureModel, place: Place): Panel => {
    const { side, left, bottom } = place;
    const rows = rowsOf(model);
    const x = {
      type: 'quantitative' as const,
      title: bottom ? withUnit(`true ${data.target.name}`, data) : null,
      scale: { domain: xDomain, nice: false, zero: false },
      ...(doses && { axis: { values: [...doses], grid: false } }),
    };
    const y = {
      type: 'quantitative' as const,
      title: left ? withUnit('predicted − true', data) : null,
      scale: { domain: yDomain, nice: false },
    };
    const boxes = { values: middleHalves(rows, doses ?? [], half) };
    const box: Layer = {
      data: boxes,
      mark: { type: 'rect', color: '#e3e3e3' },
      encoding: { x: { field: 'from', ...x }, x2: { field: 'to' }, y: { field: 'low', ...y }, y2: { field: 'high' } },
    };
    const median: Layer = {
      data: boxes,
      mark: { type: 'rule', color: '#555555', strokeWidth: 1.5 },
      encoding: { x: { field: 'from', ...x }, x2: { field: 'to' }, y: { field: 'middle', ...y } },
    };
    const zero: Layer = {
      data: { values: [{ residual: 0 }] },
      mark: { type: 'rule', color: guideColour, strokeDash: [5, 4] },
      encoding: { y: { field: 'residual', ...y } },
    };
    const points: Layer = {
      data: { values: [...rows] },
      mark: plotMark(data.targets.length),
      encoding: { x: { field: 'at', ...x }, y: { field: 'residual', ...y }, color: levelColour(data, data.targets) },
    };
    return {
      title: panelTitle(model, place, meanText(model)),
      width: side,
      height: Math.round(0.8 * side),
      layer: doses ? [box, zero, points, median] : [zero, points],
    };
  };

  return figureOf(
    {
      title: `Residuals, predicted minus true ${data.target.name}: ${plotsText(data)}`,
      notes: [
        doses
          ? 'Boxes hold the middle half of a level, their line is the median. Plots of a level are spread sideways.'
          : 'Above the line: overestimated.',
        ...commonNotes(data),
      ],
    },
    data.models,
    panel,
  );
}

/** A box for each level that there are plots of. */
function middleHalves(rows: readonly Residual[], doses: readonly number[], half: number) {
  return doses.flatMap((dose) => {
    const sorted = rows
      .filter(({ target }) => target === dose)
      .map(({ residual }) => residual)
      .sort((a, b) => a - b);
    if (sorted.length === 0) return [];
    const [low, middle, high] = [0.25, 0.5, 0.75].map((share) => quantile(sorted, share));
    return [{ from: dose - 1.6 * half, to: dose + 1.6 * half, low, middle, high }];
  });
}

function meanText({ evaluated }: FigureModel): string {
  const [mae, mean] = amounts(evaluated.test.mae.value, evaluated.test.bias.value);
  return `mean ${mean}, MAE ${mae}`;
}
