/** What all figures share: one panel a model, in rows, under one heading. */
import type { TopLevelSpec } from 'vega-lite';
import type { FigureData, FigureModel } from './figureData.ts';

type Concatenation = Extract<TopLevelSpec, { concat: unknown }>;
export type Panel = Concatenation['concat'][number];
export type Layer = Extract<Panel, { layer: unknown }>['layer'][number];

/** A figure as vega-lite has it. */
export type FigureSpec = TopLevelSpec;

/** DejaVu Sans is what PNGs are drawn with; an SVG is drawn with what its reader has, and Verdana is as wide. */
export const fontFamily = 'DejaVu Sans, Verdana, sans-serif';

/** Okabe, Ito: Color universal design. 2008. Told apart by people who see fewer colours, and in grey. */
export const twoColours = ['#0072B2', '#D55E00'] as const;
/** Of lines that are there to compare with. */
export const guideColour = '#8a8a8a';

/** Pixels of a letter in a panel's heading. */
const headingLetter = 9;

/** Pixels of a panel's side, by the number of panels in a row. */
const sides = [360, 360, 290, 250, 230];

export interface Place {
  /** Pixels. */
  readonly side: number;
  /** A panel at the left edge names the vertical axis, one with none below it the horizontal one. */
  readonly left: boolean;
  readonly bottom: boolean;
}

/** Where each of so many panels stands. */
export function placesOf(panels: number): { readonly columns: number; readonly places: readonly Place[] } {
  const columns = panels <= 3 ? panels : panels <= 4 ? 2 : panels <= 6 ? 3 : 4;
  const side = sides[columns] as number;
  const places = Array.from({ length: panels }, (_, at) => ({
    side,
    left: at % columns === 0,
    bottom: at + columns >= panels,
  }));
  return { columns, places };
}

export interface Heading {
  readonly title: string;
  /** A line each. */
  readonly notes: readonly string[];
}

export function figureOf(
  { title, notes }: Heading,
  models: readonly FigureModel[],
  panel: (model: FigureModel, place: Place) => Panel,
): FigureSpec {
  const { columns, places } = placesOf(models.length);
  return {
    title: { text: title, subtitle: [...notes], fontSize: 15, offset: 20 },
    columns,
    concat: models.map((model, at) => panel(model, places[at] as Place)),
    config: theme,
  };
}

/** `convnet (chosen)`, and below it what its panel wants to say. */
export function panelTitle({ evaluated, winner }: FigureModel, { side }: Place, note: string) {
  const mark = winner ? ' (chosen)' : '';
  return { text: shortened(evaluated.name, Math.floor(side / headingLetter) - mark.length) + mark, subtitle: note };
}

/** The middle is left out: names that are alike at the start mostly differ at the end. */
export function shortened(name: string, longest: number): string {
  const characters = [...name];
  if (characters.length <= longest) return name;
  const kept = (longest - 1) / 2;
  return `${characters.slice(0, Math.ceil(kept)).join('')}…${characters.slice(-Math.floor(kept)).join('')}`;
}

/** How a plot is drawn: many smaller, so that they do not become one blot. */
export function plotMark(plots: number) {
  const [size, opacity] = plots <= 60 ? [42, 0.85] : plots <= 200 ? [28, 0.75] : [14, 0.6];
  return { type: 'point', filled: true, size, opacity, stroke: '#ffffff', strokeWidth: 0.4 } as const;
}

/** `40 test plots`, or how many of them are drawn. */
export function plotsText({ split, plots, targets }: FigureData): string {
  const kind = {
    train: 'training plots, from which models learned',
    validation: 'validation plots',
    test: 'test plots',
  };
  const shown = targets.length < plots ? `${count(targets.length)} of ` : '';
  const text = `${shown}${count(plots)} ${kind[split]}`;
  return plots === 1 ? text.replace('plots', 'plot') : text;
}

/** Notes on what is left out, and what models have to beat. */
export function commonNotes({ models, modelsInAll, baselines, targets, plots }: FigureData): readonly string[] {
  return [
    ...(targets.length < plots ? [`Errors in the headings are of all ${count(plots)} plots.`] : []),
    ...(models.length < modelsInAll
      ? [`The best ${models.length} of ${modelsInAll} models by their validation error.`]
      : []),
    ...(baselines.length > 0
      ? [
          `Baselines: ${baselines.map(({ name, test }) => `${name.replace(' (baseline)', '')} MAE ${amounts(test.mae.value)[0]}`).join(', ')}.`,
        ]
      : []),
  ];
}

/** `MAE 25.8 (15.9 to 36.9), R² 0.93` */
export function scoresText({ evaluated }: FigureModel): string {
  const { mae, r2 } = evaluated.test;
  const [value, low, high] = amounts(mae.value, mae.low, mae.high);
  return `MAE ${value} (${low} to ${high}), R² ${withMinus(r2.value.toFixed(2))}`;
}

/** `nitrogen (kg/ha)` */
export function withUnit(what: string, { target }: FigureData): string {
  return target.unit === '' ? what : `${what} (${target.unit})`;
}

/** The first in three digits, which is what so few plots can tell, the others with as many behind the point. */
export function amounts(first: number, ...others: readonly number[]): readonly string[] {
  const magnitude = first === 0 ? 0 : Math.floor(Math.log10(Math.abs(first)));
  const decimals = Math.min(20, Math.max(0, 2 - magnitude));
  return [first, ...others].map((value) => withMinus(value.toFixed(decimals)));
}

function withMinus(text: string): string {
  return text.replace('-', '−');
}

function count(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** The least and the greatest of finite numbers, with some room around them. */
export function domainOf(values: readonly number[]): [number, number] {
  const finite = values.filter(Number.isFinite);
  if (finite.length === 0) return [0, 1];
  const least = finite.reduce((a, b) => Math.min(a, b));
  const most = finite.reduce((a, b) => Math.max(a, b));
  const room = 0.05 * (most - least) || Math.abs(most) * 0.1 || 1;
  return [least - room, most + room];
}

const ink = '#222222';
const theme: NonNullable<TopLevelSpec['config']> = {
  background: '#ffffff',
  // A description of each point would be most of the file.
  aria: false,
  padding: 14,
  font: fontFamily,
  title: {
    anchor: 'start',
    frame: 'group',
    color: ink,
    fontSize: 13,
    fontWeight: 'bold',
    subtitleColor: '#555555',
    subtitleFontSize: 11,
    subtitleLineHeight: 15,
    subtitlePadding: 4,
    offset: 8,
  },
  axis: {
    labelColor: ink,
    titleColor: ink,
    labelFontSize: 11,
    titleFontSize: 11,
    titleFontWeight: 'normal',
    titlePadding: 8,
    domainColor: guideColour,
    tickColor: guideColour,
    gridColor: '#e8e8e8',
    labelOverlap: true,
  },
  legend: {
    labelColor: ink,
    titleColor: ink,
    labelFontSize: 11,
    titleFontSize: 11,
    titleFontWeight: 'normal',
    symbolSize: 70,
  },
  concat: { spacing: 26 },
  view: { stroke: '#d0d0d0' },
};
