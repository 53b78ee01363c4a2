import { dosesOf } from '../levels.ts';
import type { FigureData, FigureModel } from './figureData.ts';
import { levelColour } from './levelColours.ts';
import {
  commonNotes,
  domainOf,
  type FigureSpec,
  figureOf,
  guideColour,
  type Panel,
  type Place,
  panelTitle,
  plotMark,
  plotsText,
  scoresText,
  withUnit,
} from './panels.ts';
import { spreadOut } from './strip.ts';

/** Each plot's prediction over its true value, beside the line on which they are the same. */
export function predictedVsTrue(data: FigureData): FigureSpec | undefined {
  if (data.targets.length === 0) return undefined;
  const doses = dosesOf(data.targets);
  const { at, half } = spreadOut(data.targets, data.seed);
  // One range for both axes of all panels, so that they can be compared.
  const domain = domainOf([
    ...data.targets.flatMap((target) => [target - half, target + half]),
    ...data.models.flatMap(({ predicted }) => predicted),
  ]);

  const panel = (model: FigureModel, place: Place): Panel => {
    const { side, left, bottom } = place;
    const values = data.targets.map((target, plot) => ({
      target,
      at: at[plot] as number,
      predicted: model.predicted[plot] as number,
    }));
    const axis = (what: string, shown: boolean) => ({
      type: 'quantitative' as const,
      title: shown ? withUnit(what, data) : null,
      scale: { domain, nice: false, zero: false },
    });
    const x = axis(`true ${data.target.name}`, bottom);
    const y = axis(`predicted ${data.target.name}`, left);
    return {
      title: panelTitle(model, place, scoresText(model)),
      width: side,
      height: side,
      layer: [
        {
          data: { values: domain.map((end) => ({ at: end, predicted: end })) },
          mark: { type: 'line', color: guideColour, strokeDash: [5, 4], strokeWidth: 1 },
          encoding: {
            x: { field: 'at', ...x, ...(doses && { axis: { values: [...doses] } }) },
            y: { field: 'predicted', ...y },
          },
        },
        {
          data: { values: values.filter(({ predicted }) => Number.isFinite(predicted)) },
          mark: plotMark(data.targets.length),
          encoding: {
            x: { field: 'at', ...x },
            y: { field: 'predicted', ...y },
            color: levelColour(data, data.targets),
          },
        },
      ],
    };
  };

  return figureOf(
    {
      title: `Predicted against true ${data.target.name}: ${plotsText(data)}`,
      notes: [
        `On the dashed line a prediction is right. In brackets: 95 % bootstrap interval.${half > 0 ? ' Plots of a level are spread sideways.' : ''}`,
        ...commonNotes(data),
      ],
    },
    data.models,
    panel,
  );
}
