import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import type { Json } from '../../../contract/json.ts';
import type { StageContract } from '../../../contract/stage.ts';
import { evaluate } from '../../../contract/stages/evaluate.ts';
import { fetchData } from '../../../contract/stages/fetchData.ts';
import { preprocess } from '../../../contract/stages/preprocess.ts';
import { train } from '../../../contract/stages/train.ts';
import { productRoot } from '../../code/root.ts';
import { parsePipeline } from '../../config/parsePipeline.ts';
import { temporaryFolder } from '../testing/temporaryFolder.ts';
import { plannedTrainings } from './plannedTrainings.ts';

const folder = temporaryFolder();
const contracts = new Map([fetchData, preprocess, train, evaluate].map((one) => [one.name, one as StageContract]));

function planned(stages: string, set: Record<string, Json> = {}) {
  const parsed = parsePipeline({ text: `name: p\nseed: 42\nstages:\n${stages}`, file: 'p.yaml', contracts, set });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return plannedTrainings(parsed.pipeline, folder);
}

const nitrogen = readFileSync(join(productRoot, 'configs/nitrogen.yaml'), 'utf8')
  .replace(/[\s\S]*^stages:\n/m, '')
  .replace(/\n {2}register:[\s\S]*/, '\n');

it('knows of each training its plots and their shape, before anything is made', async () => {
  const [convnet, vit, ridge, ...others] = await planned(nitrogen);
  expect(convnet).toMatchObject({
    stage: 'convnet',
    params: { model: 'convnet2d', batchSize: 16 },
    input: { height: 160, width: 106, channels: 4 },
    plots: { train: 96, validation: 24, groups: 120 },
  });
  expect(vit).toMatchObject({ stage: 'vit', params: { model: 'vit', batchSize: 16 } });
  expect(ridge).toMatchObject({ stage: 'ridge', params: { model: 'ridge' } });
  expect(others).toEqual([]);
});

it('counts indices as channels, and the validation share of the plots', async () => {
  const [convnet] = await planned(nitrogen, {
    'features.indices': ['ndvi', 'ndre'],
    'features.size': [20, 30],
    'features.validation': 0,
  });
  expect(convnet).toMatchObject({
    input: { height: 20, width: 30, channels: 6 },
    plots: { train: 120, validation: 0 },
  });
});

it('counts the plots of a folder as preprocess would: by name, label and group', async () => {
  const rows = ['plot,kg,block'];
  for (let plot = 0; plot < 40; plot++) {
    const name = `p${plot}`;
    rows.push(`${name},${plot},${Math.floor(plot / 2)}`);
    for (const file of [`${name}_red.tif`, `${name}_nir.tif`, `.${name}_red.tif`]) {
      mkdirSync(dirname(join(folder, 'plots', file)), { recursive: true });
      writeFileSync(join(folder, 'plots', file), 'no pixel is read');
    }
  }
  writeFileSync(join(folder, 'plots/labels.csv'), rows.join('\n'));
  const [network] = await planned(`
  data: { uses: fetchData, with: { source: 'file:plots' } }
  features:
    uses: preprocess
    needs: [data]
    with:
      bands: [red, nir]
      split: { test: 0.25 }
      target: { labels: { target: kg, group: block } }
  network: { uses: train, needs: [features], with: { model: convnet2d } }
`);
  expect(network?.plots).toEqual({ train: 24, validation: 6, groups: 15 });
});

it('does not know the plots of a source that it cannot read', async () => {
  const [convnet] = await planned(nitrogen, { 'data.source': 'file:not/here' });
  expect(convnet?.input).toEqual({ height: 160, width: 106, channels: 4 });
  expect(convnet?.plots).toBeUndefined();
});
