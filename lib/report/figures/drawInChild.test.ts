import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { buildProgram, programFile } from '../../models/testing/buildProgram.ts';
import { temporaryFolder } from '../../models/testing/temporaryFolder.ts';
import { drawFigures } from './drawInChild.ts';
import { curve, doses, exampleEvaluation } from './testing/exampleFigures.ts';

vi.mock('../../code/root.ts', async (original) => ({
  ...(await original<typeof import('../../code/root.ts')>()),
  entryPoint: (source: string) => programFile(source),
}));

const folder = temporaryFolder();
const model = join(folder, 'model');

beforeAll(async () => {
  await buildProgram('lib/report/figures/drawMain.ts');
  await mkdir(model);
  const lines = curve(5).map(({ fold, epoch, step, loss, mae, val_mae }) =>
    [fold, epoch, step, loss, mae, val_mae].join(),
  );
  await writeFile(join(model, 'learning-curve.csv'), `fold,epoch,step,loss,mae,val_mae\n${lines.join('\n')}\n`);
}, 120_000);

/** @param learned the folder of the model's artifact */
async function draw(name: string, { embedded = '', learned = model }: { embedded?: string; learned?: string }) {
  const warnings: string[] = [];
  const targets = doses(12);
  const drawn = await drawFigures({
    ...(await exampleEvaluation({ names: ['vit'], targets })),
    ...{ targets, embeddedTargets: targets, split: 'test', seed: 42, folder: join(folder, name) },
    models: [{ name: 'vit', folder: learned, embedded, networks: 1 }],
    signal: new AbortController().signal,
    log: { info: () => {}, warn: (message) => warnings.push(message) },
    onProgress: () => {},
  });
  return { ...drawn, warnings };
}

describe('drawing', () => {
  it('gives each figure as SVG and as PNG; one that has nothing to show is not missed', async () => {
    const { files, failed, warnings } = await draw('whole', {});
    expect(files.map(({ path }) => path)).toEqual(
      ['predicted-vs-true', 'residuals', 'learning-curves'].flatMap((name) => [
        `figures/${name}.svg`,
        `figures/${name}.png`,
      ]),
    );
    for (const { file } of files) expect((await readFile(file)).length).toBeGreaterThan(1000);
    expect([failed, warnings]).toEqual([[], []]);
  }, 60_000);

  it('goes on after a figure that cannot be drawn, and says why', async () => {
    const torn = join(folder, 'torn.f32');
    await writeFile(torn, 'seven b');
    const { files, failed, warnings } = await draw('torn', { embedded: torn });
    expect(files).toHaveLength(6);
    expect(failed).toEqual(['tsne']);
    expect(warnings).toEqual([expect.stringMatching(/^the figure figures\/tsne could not be drawn: ./)]);
  }, 60_000);

  it('of a curve that cannot be read leaves all figures out, and says why', async () => {
    const learned = join(folder, 'spoiled');
    await mkdir(join(learned, 'learning-curve.csv'), { recursive: true });
    const { files, failed, warnings } = await draw('none', { learned });
    expect(files).toEqual([]);
    expect(failed).toHaveLength(4);
    expect(warnings).toEqual([expect.stringMatching(/^no figures could be drawn: EISDIR/)]);
  });
});
