import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { floatsToBytes } from '../../models/floats.ts';
import { uniforms } from '../../models/random.ts';
import { temporaryFolder } from '../../models/testing/temporaryFolder.ts';
import type { FigureData } from './figureData.ts';
import { learningCurves } from './learningCurves.ts';
import type { FigureSpec } from './panels.ts';
import { predictedVsTrue } from './predictedVsTrue.ts';
import { render } from './render.ts';
import { residuals } from './residuals.ts';
import { curve, doses, type Example, exampleFigures, pointsIn, textsIn } from './testing/exampleFigures.ts';
import { tsne } from './tsne.ts';

const folder = temporaryFolder();

async function drawn(figure: (data: FigureData) => FigureSpec | undefined, example?: Example): Promise<string> {
  return svgOf(figure(await exampleFigures(example)));
}

async function svgOf(spec: FigureSpec | undefined): Promise<string> {
  if (!spec) throw new TypeError('Expected a figure');
  const { svg } = await render(spec);
  expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  return svg;
}

/** What a network of so many features sees of plots whose levels it tells apart. */
async function embedded(targets: readonly number[], name = 'seen'): Promise<{ file: string; networks: number }> {
  const file = join(folder, `${name}-${targets.length}.f32`);
  const draws = uniforms({ seed: 1, use: 'order' }, targets.length * 8);
  const values = draws.map((draw, at) => draw + ((targets[Math.floor(at / 8)] as number) / 100) * (at % 8));
  await writeFile(file, floatsToBytes(Float32Array.from(values)));
  return { file, networks: 1 };
}

const measured = Array.from({ length: 60 }, (_, at) => at ** 1.5);
const learned = { curves: new Map([['vit', curve(12)]]) };

describe('every figure', () => {
  it.each([
    ['levels', doses(40)],
    ['a measured target', measured],
  ])('of %s is the same bytes each time, as SVG and as PNG', async (name, targets) => {
    const seen = { embeddings: new Map([['vit', await embedded(targets, name)]]), embeddedTargets: targets };
    const data = await exampleFigures({ targets, set: { ...learned, ...seen } });
    for (const figure of [predictedVsTrue, residuals, learningCurves, tsne]) {
      const [first, second] = [
        await render((await figure(data)) as FigureSpec),
        await render((await figure(data)) as FigureSpec),
      ];
      expect(second.svg).toBe(first.svg);
      expect(Buffer.from(second.png).equals(first.png)).toBe(true);
      expect(Buffer.from(first.png).subarray(1, 4).toString()).toBe('PNG');
    }
  });

  it('is drawn with letters that come with the product: without them the PNG would be another', async () => {
    const spec = predictedVsTrue(await exampleFigures()) as FigureSpec;
    const { png } = await render(spec);
    const wordless = JSON.parse(JSON.stringify(spec), (key, value) =>
      ['text', 'subtitle'].includes(key) ? ' ' : value,
    );
    expect((await render(wordless)).png.length).toBeLessThan(0.9 * png.length);
  });
});

describe('predicted against true', () => {
  it('has a panel for each model, best first, and a point for each test plot', async () => {
    const svg = await drawn(predictedVsTrue, { names: ['vit', 'convnet', 'ridge'] });
    expect(pointsIn(svg).filter((points) => points > 4)).toEqual([40, 40, 40]);
    const texts = textsIn(svg);
    expect(texts).toContain('Predicted against true nitrogen: 40 test plots');
    expect(texts).toContain('vit (chosen)');
    expect(texts.indexOf('vit (chosen)')).toBeLessThan(texts.indexOf('convnet'));
    expect(texts).toContain('true nitrogen (kg/ha)');
    expect(texts.filter((text) => /^MAE \d/.test(text))).toHaveLength(3);
  });

  it('names the level of each colour', async () => {
    expect(textsIn(await drawn(predictedVsTrue)).join()).toContain('0,100,200,300,nitrogen (kg/ha),');
  });

  it.each([
    ['one plot', { targets: [100] }, 1],
    ['one level', { targets: doses(9, 1) }, 9],
    ['two levels that predictions are far below', { targets: doses(6, 2), predict: () => -4000 }, 6],
    ['models that are never wrong', { predict: (target: number) => target }, 40],
    ['a target that is measured', { targets: measured }, 60],
  ])('is drawn of %s', async (_, example, plots) => {
    expect(pointsIn(await drawn(predictedVsTrue, example))).toEqual(expect.arrayContaining([plots, plots]));
    expect(pointsIn(await drawn(residuals, example))).toEqual(expect.arrayContaining([plots, plots]));
  });

  it('leaves out what is no number', async () => {
    const data = await exampleFigures();
    const [first, second] = data.models as [FigureData['models'][number], FigureData['models'][number]];
    const broken = { ...first, predicted: first.predicted.map((value, plot) => (plot < 3 ? Number.NaN : value)) };
    const svg = await svgOf(predictedVsTrue({ ...data, models: [broken, second] }));
    expect(pointsIn(svg)).toEqual(expect.arrayContaining([37, 40]));
  });

  it('of many models shows the best eight, and says so', async () => {
    const names = Array.from({ length: 11 }, (_, at) => `model${at}`);
    const texts = textsIn(await drawn(predictedVsTrue, { names }));
    expect(texts.filter((text) => text.startsWith('model'))).toHaveLength(8);
    expect(texts).toContain('The best 8 of 11 models by their validation error.');
  });

  it('of many plots shows some hundreds, evenly over the levels, and says so', async () => {
    const data = await exampleFigures({ targets: doses(4000) });
    expect(data.targets.filter((target) => target === 300)).toHaveLength(125);
    expect(textsIn(await svgOf(predictedVsTrue(data)))).toContain(
      'Predicted against true nitrogen: 500 of 4,000 test plots',
    );
  });

  it('says where validation or training plots stand in for test plots', async () => {
    const texts = textsIn(await drawn(predictedVsTrue, { set: { split: 'train' } }));
    expect(texts[0] + texts.join()).toContain('40 training plots, from which models learned');
  });

  it('keeps both ends of a name that is too long for its panel', async () => {
    const name = `${'convnet-'.repeat(12)}17`;
    const texts = textsIn(await drawn(predictedVsTrue, { names: [name] }));
    expect(texts).toContainEqual(expect.stringMatching(/^convnet-.{3,30}….{3,30}17 \(chosen\)$/));
  });

  it('keeps names as they are written', async () => {
    expect(await drawn(predictedVsTrue, { names: ['<a & "b">'] })).toContain('&lt;a &amp; "b"&gt; (chosen)');
  });
});

describe('residuals', () => {
  it('are predicted minus true, with the mean of each model', async () => {
    const texts = textsIn(await drawn(residuals, { predict: (target) => target - 12.5 }));
    expect(texts).toContain('mean −12.5, MAE 12.5');
    expect(texts).toContain('predicted − true (kg/ha)');
  });
});

describe('learning curves', () => {
  it('have a panel for each model that learned in epochs, and a line for each set', async () => {
    const svg = await drawn(learningCurves, { names: ['vit', 'ridge'], set: learned });
    expect(svg.match(/mark-line/g)).toHaveLength(2);
    expect(textsIn(svg)).toContain('best validation MAE 10.0, epoch 12');
    expect(textsIn(svg)).not.toContain('ridge');
  });

  it('are none where no model learned in epochs', async () => {
    expect(learningCurves(await exampleFigures())).toBeUndefined();
  });

  it('of one epoch are two points', async () => {
    const svg = await drawn(learningCurves, { set: { curves: new Map([['vit', curve(1)]]) } });
    expect(pointsIn(svg)).toEqual([2]);
  });

  it('of folds have their mean as far as all of them go on', async () => {
    const spec = learningCurves(await exampleFigures({ set: { curves: new Map([['vit', curve(9, 6)]]) } }));
    const [, mean] = (
      spec as unknown as { concat: [{ layer: { data: { values: { set: string; mae: number }[] } }[] }] }
    ).concat[0].layer;
    const validation = mean?.data.values.filter(({ set }) => set === 'validation').map(({ mae }) => mae);
    expect(validation).toEqual([1, 2, 3, 4, 5, 6].map((epoch) => 120 / epoch + 0.5));
  });

  it('go to a logarithmic axis where the first errors would press the others flat', async () => {
    const texts = textsIn(await drawn(learningCurves, { set: { curves: new Map([['vit', curve(90)]]) } }));
    expect(texts.join()).toContain('The axis of errors is logarithmic.');
  });

  it('of very many epochs are thinned, to their last', async () => {
    const { models } = await exampleFigures({ names: ['vit'], set: { curves: new Map([['vit', curve(10_001)]]) } });
    expect(models[0]?.curve.length).toBeLessThan(410);
    expect(models[0]?.curve.at(-1)?.epoch).toBe(10_001);
  });
});

describe('learned features', () => {
  const seen = async (targets: readonly number[]) => ({
    embeddings: new Map([['vit', await embedded(targets)]]),
    embeddedTargets: targets,
  });

  it('have a panel for each network, and a point for each plot', async () => {
    const data = await exampleFigures({ names: ['vit', 'ridge'], set: await seen(doses(40)) });
    const svg = await svgOf(await tsne(data));
    expect(pointsIn(svg)[0]).toBe(40);
    expect(textsIn(svg)).toContain('Learned features of 40 test plots, by t-SNE');
    expect(textsIn(svg)).not.toContain('ridge');
  });

  it('say of how many plots they are where those were too many', async () => {
    const data = await exampleFigures({ targets: doses(700), set: await seen(doses(300)) });
    expect(textsIn(await svgOf(await tsne(data)))).toContain('Learned features of 300 of 700 test plots, by t-SNE');
  });

  it('are none of too few plots, of no network, or of one that sees no difference', async () => {
    expect(await tsne(await exampleFigures({ set: await seen(doses(4)) }))).toBeUndefined();
    expect(await tsne(await exampleFigures({ set: { embeddedTargets: doses(40) } }))).toBeUndefined();
    const file = join(folder, 'blind.f32');
    await writeFile(file, floatsToBytes(new Float32Array(40 * 3).fill(0.25)));
    const blind = { embeddings: new Map([['vit', { file, networks: 1 }]]), embeddedTargets: doses(40) };
    expect(await tsne(await exampleFigures({ set: blind }))).toBeUndefined();
    const oneSees = { ...blind, embeddings: new Map([...blind.embeddings, ['convnet', await embedded(doses(40))]]) };
    const texts = textsIn(await svgOf(await tsne(await exampleFigures({ set: oneSees }))));
    expect(texts).toContain('Not shown: vit, to which these plots are all the same.');
  });
});
