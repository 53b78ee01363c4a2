/** The stages train and evaluate against a real store, without Temporal. */
import { copyFile, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ArtifactKind, ArtifactReader, Digest } from '../contract/artifact.ts';
import type { PlotRow } from '../contract/features.ts';
import type { JsonObject } from '../contract/json.ts';
import type { Evaluation } from '../contract/model.ts';
import type { Checkpoint, Stage, StageContext, StageProgress } from '../contract/stage.ts';
import { openFeatures } from '../lib/data/features.ts';
import { readHeldOut, readModel, writeHeldOut } from '../lib/models/modelArtifact.ts';
import { loadModel } from '../lib/models/predict.ts';
import { buildProgram, programFile } from '../lib/models/testing/buildProgram.ts';
import { temporaryFolder } from '../lib/models/testing/temporaryFolder.ts';
import { writeToyFeatures } from '../lib/models/testing/toyFeatures.ts';
import { openArtifact, stageArtifact } from '../lib/store/artifacts.ts';
import { openStore, type Store } from '../lib/store/store.ts';
import evaluate from './evaluate.ts';
import train from './train.ts';

// Children run what the sources say now, not what was built last.
vi.mock('../lib/code/root.ts', async (original) => ({
  ...(await original<typeof import('../lib/code/root.ts')>()),
  entryPoint: (source: string) => programFile(source === unbuilt.program ? 'lib/none.ts' : source),
}));
const unbuilt = vi.hoisted(() => ({ program: '' }));

const folder = temporaryFolder();
let store: Store;
let features: ArtifactReader;

beforeAll(async () => {
  await buildProgram('lib/models/child/trainMain.ts');
  await buildProgram('lib/models/child/predictMain.ts');
  await buildProgram('lib/report/figures/drawMain.ts');
  store = await openStore(pathToFileURL(join(folder, 'store')).href, { create: true });
  const files = join(folder, 'features');
  await writeToyFeatures(files, { height: 14, width: 12, plots: { train: 24, validation: 8, test: 8 } });
  features = await artifactOf('features', files);
}, 120_000);

/** What lies in a folder, as an artifact. */
async function artifactOf(kind: ArtifactKind, files: string): Promise<ArtifactReader> {
  const staged = stageArtifact(store, kind);
  for (const item of await readdir(files, { recursive: true, withFileTypes: true })) {
    if (!item.isFile()) continue;
    const path = join(item.parentPath, item.name);
    await staged.addFile(path.slice(files.length + 1), path);
  }
  return openArtifact(store, (await staged.seal()).ref);
}

interface Attempt {
  readonly params: JsonObject;
  readonly inputs: object;
  readonly key?: string;
  readonly signal?: AbortSignal;
  onProgress?(update: StageProgress): void;
  onWarning?(message: string): void;
}

const committed = new Map<string, Checkpoint>();
afterAll(() => committed.clear());

let attempts = 0;
async function run(
  stage: Stage<never, never>,
  { params, inputs, key = 'key', signal, onProgress, onWarning }: Attempt,
) {
  const scratch = join(folder, `scratch-${attempts++}`);
  await mkdir(scratch);
  const output = stageArtifact(store, stage.contract.output);
  const digest: Digest = `sha256:${Buffer.from(`${folder}${key}`).toString('hex').slice(-64)}`;
  const context = {
    stage: stage.contract.name,
    pipeline: 'test',
    params: (stage.contract.params as { parse(value: unknown): never }).parse(params),
    inputs,
    seed: 42,
    key: digest,
    attempt: 1,
    source: undefined,
    signal: signal ?? new AbortController().signal,
    log: { info: () => {}, warn: (message: string) => onWarning?.(message) },
    scratch,
    baseFolder: folder,
    output,
    checkpoints: {
      newest: async () => committed.get(key),
      startOver() {},
      commit: async (step: number, file: string) => {
        const kept = join(folder, `${key}-${step}`);
        await copyFile(file, kept);
        committed.set(key, { step, attempt: 1, file: kept });
      },
    },
    progress: (update: StageProgress) => onProgress?.(update),
    track: async () => {},
  };
  const outcome = await stage.implementation.run(context as unknown as StageContext<never, never>);
  const { ref, attachments } = await output.seal();
  return { outcome, artifact: openArtifact(store, ref), attachments: attachments.map(({ path }) => path) };
}

const convnet = { model: 'convnet2d', filters: [4, 4], epochs: 4, batchSize: 8, optimizer: { sgd: { lr: 0.1 } } };
const input = (stage: string, artifact: ArtifactReader) => ({ stage, artifact, metrics: {} });
const trained = (params: JsonObject, attempt: Partial<Attempt> = {}) =>
  run(train as never, { params, inputs: { features: input('features', features) }, ...attempt });

describe('train', () => {
  it('puts out description and weights, and the run log beside them', async () => {
    const { artifact, attachments, outcome } = await trained(convnet);
    expect((await artifact.files()).map(({ path }) => path)).toEqual([
      'learning-curve.csv',
      'model.json',
      'weights.f32',
    ]);
    expect(attachments).toEqual(['runlog.jsonl']);
    expect(outcome.metrics).toMatchObject({ epochs: 4, steps: 12 });
  }, 120_000);

  it('makes the same artifact whatever its operational parameters', async () => {
    const [a, b] = [
      await trained(convnet, { key: 'a' }),
      await trained({ ...convnet, checkpointEvery: 3, logEvery: 5 }, { key: 'b' }),
    ];
    expect(a.artifact.ref.digest).toBe(b.artifact.ref.digest);
  }, 120_000);

  it('cancelled, commits a checkpoint, from which the next attempt makes the same artifact', async () => {
    const whole = await trained(convnet, { key: 'whole' });
    const controller = new AbortController();
    const first = trained(convnet, {
      key: 'cut',
      signal: controller.signal,
      onProgress: ({ done }) => {
        if (done === 5) controller.abort(new Error('shutdown'));
      },
    });
    await expect(first).rejects.toThrow('shutdown');
    expect(committed.get('cut')?.step).toBeGreaterThanOrEqual(5);
    const second = await trained(convnet, { key: 'cut' });
    expect(second.outcome.facts?.resumedAtStep).toBeGreaterThanOrEqual(5);
    expect(second.artifact.ref.digest).toBe(whole.artifact.ref.digest);
  }, 120_000);

  it('starts from the beginning when the checkpoint is of no use', async () => {
    const file = join(folder, 'spoiled');
    await copyFile(join(folder, 'features', 'plots.json'), file);
    committed.set('spoiled', { step: 3, attempt: 1, file });
    const { outcome } = await trained(convnet, { key: 'spoiled' });
    expect(outcome.facts?.resumedAtStep).toBe(0);
  }, 120_000);
});

describe('evaluate', () => {
  it('compares the models and two baselines on the test plots', async () => {
    const [network, ridge] = [await trained(convnet, { key: 'e1' }), await trained({ model: 'ridge' }, { key: 'e2' })];
    const { artifact, outcome } = await run(evaluate as never, {
      params: {},
      inputs: {
        features: input('features', features),
        models: [input('convnet', network.artifact), input('linear', ridge.artifact)],
      },
    });
    const evaluation: Evaluation = JSON.parse(Buffer.from(await artifact.read('evaluation.json')).toString());
    expect(evaluation.models.map(({ name, baseline }) => [name, baseline])).toEqual([
      ['convnet', false],
      ['linear', false],
      ['ridge (baseline)', true],
      ['median (baseline)', true],
    ]);
    const [first, linear, baseline, median] = evaluation.models;
    const networkWins = (first?.validation.mae.value as number) <= (linear?.validation.mae.value as number);
    const winner = networkWins ? first : linear;
    expect(linear?.test.mae.value).toBeCloseTo(baseline?.test.mae.value as number, 3);
    expect(median?.test.mae.value).toBe(100);
    expect(evaluation.winner.name).toBe(winner?.name);
    // By content alone: the same evaluation in another store is the same artifact.
    const { uri: _, ...model } = (networkWins ? network : ridge).artifact.ref;
    expect(evaluation.winner.model).toEqual(model);
    expect(outcome.headline).toEqual({ name: 'test_mae', value: winner?.test.mae.value });
    expect(outcome.metrics).toMatchObject({ baseline_median_mae: 100 });

    const csv = Buffer.from(await artifact.read('predictions.csv'))
      .toString()
      .trim()
      .split('\n');
    expect(csv[0]).toBe('plot,split,target,convnet,linear,ridge (baseline),median (baseline)');
    expect(csv).toHaveLength(1 + 8 + 8);
  }, 120_000);

  describe('its figures', () => {
    const models = async () => [
      input('convnet', (await trained(convnet, { key: 'f1' })).artifact),
      input('linear', (await trained({ model: 'ridge' }, { key: 'f2' })).artifact),
    ];
    const names = ['learning-curves', 'predicted-vs-true', 'residuals', 'tsne'].map((name) => `figures/${name}`);
    const evaluated = async (attempt: Partial<Attempt> = {}) =>
      run(evaluate as never, {
        params: {},
        inputs: { features: input('features', features), models: await models() },
        ...attempt,
      });

    it('are a part of it, as SVG and as PNG, the same bytes each time', async () => {
      const doings = new Set<string>();
      const { artifact, outcome } = await evaluated({ onProgress: ({ doing }) => doings.add(doing) });
      expect((await artifact.files()).map(({ path }) => path)).toEqual([
        'evaluation.json',
        ...names.flatMap((name) => [`${name}.png`, `${name}.svg`]),
        'predictions.csv',
      ]);
      const text = async (name: string) => Buffer.from(await artifact.read(name)).toString('latin1');
      expect(await text('figures/tsne.svg')).toMatch(/^<svg .*8 test plots.*<\/svg>$/s);
      // Ridge learned nothing that could be shown.
      expect(await text('figures/tsne.svg')).not.toContain('linear');
      expect(await text('figures/residuals.svg')).toContain('linear');
      expect(await text('figures/residuals.png')).toMatch(/^\x89PNG/);
      expect(outcome.facts).not.toHaveProperty('figuresNotDrawn');
      expect(doings).toContain('drawing figures');
      expect((await evaluated()).artifact.ref.digest).toBe(artifact.ref.digest);
    }, 120_000);

    it('are left out where they cannot be drawn, which takes nothing from its numbers and does not go unsaid', async () => {
      const whole = await evaluated();
      unbuilt.program = 'lib/report/figures/drawMain.ts';
      const warnings: string[] = [];
      const { artifact, outcome } = await evaluated({ onWarning: (message) => warnings.push(message) }).finally(() => {
        unbuilt.program = '';
      });
      expect((await artifact.files()).map(({ path }) => path)).toEqual(['evaluation.json', 'predictions.csv']);
      expect(await artifact.read('evaluation.json')).toEqual(await whole.artifact.read('evaluation.json'));
      expect(outcome.metrics).toEqual(whole.outcome.metrics);
      expect(outcome.facts?.figuresNotDrawn).toHaveLength(4);
      expect(warnings).toEqual([expect.stringMatching(/^no figures could be drawn: /)]);
    }, 120_000);

    it('do not keep it from being cancelled', async () => {
      const controller = new AbortController();
      const onProgress = ({ doing }: StageProgress) => {
        if (doing === 'drawing figures') controller.abort(new Error('shutdown'));
      };
      await expect(evaluated({ signal: controller.signal, onProgress })).rejects.toThrow('shutdown');
    }, 120_000);
  });

  it('scores a cross-validated model on validation plots by the networks that held them out, on test plots by all', async () => {
    const { artifact } = await trained({ ...convnet, folds: 2, epochs: 2 }, { key: 'crossed' });
    const [model, data] = [join(folder, 'crossed'), join(folder, 'features')];
    await artifact.materialize(model);
    const plots = await openFeatures(data);
    const learned = [...plots.rows('train'), ...plots.rows('validation')];
    expect(await readHeldOut(model, (await readModel(model)).description, namesOf(learned))).toHaveLength(24 + 8);
    // In place of what they held out: what no network says, and other errors on validation plots than on training plots.
    const said = learned.map(({ target, split }) => target + (split === 'validation' ? 5000 : 9000));
    await writeHeldOut(model, namesOf(learned), Float32Array.from(said));
    const planted = await artifactOf('model', model);
    const plain = await trained(convnet, { key: 'plain' });

    const evaluated = await run(evaluate as never, {
      params: {},
      inputs: {
        features: input('features', features),
        models: [input('crossed', planted), input('plain', plain.artifact)],
      },
    });
    const evaluation: Evaluation = JSON.parse(Buffer.from(await evaluated.artifact.read('evaluation.json')).toString());
    expect(evaluation.models.map(({ crossValidated }) => crossValidated)).toEqual([true, false, false, false]);
    const [crossed, other] = evaluation.models;
    expect(crossed?.validation.mae.value).toBeCloseTo(5000, 1);
    expect(other?.validation.mae.value).toBeLessThan(1000);
    const loaded = await loadModel(model);
    const predicted = await loaded.predict(await plots.readPlots('test', { from: 0, to: 8 }));
    loaded.dispose();
    const errors = plots.rows('test').map(({ target }, at) => Math.abs(target - (predicted[at] as number)));
    expect(crossed?.test.mae.value).toBeCloseTo(errors.reduce((sum, error) => sum + error, 0) / 8, 1);
    expect(evaluation.winner.name).toBe('plain');
  }, 120_000);

  it('refuses a model that was cross-validated on other plots than the features hold', async () => {
    const { artifact } = await trained({ ...convnet, folds: 2, epochs: 2 }, { key: 'crossed' });
    const model = join(folder, 'elsewhere');
    await artifact.materialize(model);
    const plots = await openFeatures(join(folder, 'features'));
    const names = namesOf([...plots.rows('validation'), ...plots.rows('train')]);
    await writeHeldOut(model, names, new Float32Array(names.length));
    const inputs = {
      features: input('features', features),
      models: [input('crossed', await artifactOf('model', model))],
    };
    await expect(run(evaluate as never, { params: {}, inputs })).rejects.toMatchObject({
      code: 'ARTIFACT_FILE_UNKNOWN',
      message: expect.stringContaining('other plots'),
    });
  }, 120_000);
});

function namesOf(rows: readonly PlotRow[]): string[] {
  return rows.map(({ plot }) => plot);
}
