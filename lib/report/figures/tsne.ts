import { readFile } from 'node:fs/promises';
import { floatsOf } from '../../models/floats.ts';
import type { FigureData, FigureModel } from './figureData.ts';
import { levelColour } from './levelColours.ts';
import { fewestPlots, neighbourMap, perplexityFor } from './neighbourMap.ts';
import { type FigureSpec, figureOf, type Panel, type Place, panelTitle, plotMark, plotsText } from './panels.ts';

type Places = NonNullable<ReturnType<typeof neighbourMap>>;

/** Which plots each network sees alike, coloured by level; nothing where there are no networks, or too few plots. */
export async function tsne(data: FigureData): Promise<FigureSpec | undefined> {
  const plots = data.embedded.length;
  if (plots < fewestPlots) return undefined;
  const maps = new Map<FigureModel, Places>();
  for (const model of data.models) {
    const places = model.embedded && neighbourMap(await readFloats(model.embedded.file), plots, data.seed);
    if (places) maps.set(model, places);
  }
  if (maps.size === 0) return undefined;

  const blind = data.models
    .filter((model) => model.embedded && !maps.has(model))
    .map(({ evaluated }) => evaluated.name);

  const panel = (model: FigureModel, place: Place): Panel => {
    const { side } = place;
    const places = maps.get(model) ?? [];
    const networks = model.embedded?.networks ?? 1;
    // Neither axis means anything, and one is as long as the other.
    const axis = { type: 'quantitative' as const, axis: null, scale: { domain: [-1.08, 1.08], nice: false } };
    return {
      title: panelTitle(model, place, networks > 1 ? `the first of ${networks} networks` : model.evaluated.network),
      width: side,
      height: side,
      data: { values: places.map((place, plot) => ({ ...place, target: data.embedded[plot] as number })) },
      mark: plotMark(plots),
      encoding: { x: { field: 'x', ...axis }, y: { field: 'y', ...axis }, color: levelColour(data, data.embedded) },
    };
  };

  return figureOf(
    {
      title: `Learned features of ${plotsText({ ...data, targets: data.embedded })}, by t-SNE`,
      notes: [
        `What the last dense layer sees; plots that it sees alike lie near each other. Perplexity ${perplexityFor(plots)}.`,
        'Distances between groups, and the axes, mean nothing.',
        ...(blind.length > 0 ? [`Not shown: ${blind.join(', ')}, to which these plots are all the same.`] : []),
      ],
    },
    [...maps.keys()],
    panel,
  );
}

async function readFloats(file: string): Promise<Float32Array> {
  const bytes = await readFile(file);
  return floatsOf(bytes, 0, bytes.length / 4);
}
