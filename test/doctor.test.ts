import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { productRoot } from '../lib/code/root.ts';
import { type Project, project } from './harness/command.ts';

interface Answer {
  readonly healthy: boolean;
  readonly checks: readonly { name: string; ok: boolean; found: string; action?: string }[];
}

describe('furrow doctor', () => {
  let here: Project;

  beforeAll(() => {
    here = project(undefined, { WANDB_API_KEY: 'planted-for-the-doctor' });
  });
  afterAll(() => here?.close());

  it('says what was found, which version, how it came there, and what will train', async () => {
    const { code, stdout } = await here.furrow('doctor', '--json');
    const answer: Answer = JSON.parse(stdout);
    expect(code).toBe(0);
    expect(answer.healthy).toBe(true);
    const found = Object.fromEntries(answer.checks.map((check) => [check.name, check.found]));
    expect(found.Node).toContain(process.versions.node);
    expect(found['Temporal CLI']).toMatch(
      /^\d+\.\d+\.\d+ \(server 1\.\d+\.\d+\), from (PATH|temporal\.download|go install): ./,
    );
    expect(found.libtensorflow).toMatch(/^2\.\d+(\.\d+)?, from (pypi:\S+\.whl|storage\.googleapis\.com: .*addon)/);
    expect(found['training backend']).toMatch(/^tensorflow on the CPU, \d+ threads/);
    expect(found['Weights & Biases']).toBe('a key for https://api.wandb.ai, from WANDB_API_KEY');
    expect(stdout).not.toContain('planted');
  });
});

describe('furrow doctor CONFIG', () => {
  let here: Project;
  const pipeline = (network: string) => `name: trial
stages:
  data: { uses: fetchData, with: { source: "synthetic:plots?train=40&test=4&width=40&height=30" } }
  features: { uses: preprocess, needs: [data], with: { size: [40, 30], indices: [ndvi] } }
  network: { uses: train, needs: [features], with: { model: convnet2d, filters: [8, 8], ${network} } }
  ridge: { uses: train, needs: [features], with: { model: ridge } }
`;

  beforeAll(() => {
    here = project();
    here.write('trial.yaml', pipeline('epochs: 3'));
    here.write('wrong.yaml', pipeline('epoch: 3'));
  });
  afterAll(() => here?.close());

  it('says what each training will take, and that it fits', async () => {
    const { code, stdout, stderr } = await here.furrow('doctor', 'trial.yaml');
    expect(code).toBe(0);
    expect(stderr).toContain('measuring network: steps of 16 plots');
    expect(stdout).toMatch(/✔ {2}training backend/);
    expect(stdout).toMatch(/trial: what its trainings will take here, with \d+ threads and [\d.]+ GiB of memory \(/);
    const amount = String.raw`[\d.]+ (?:[KMG]iB|ms|s|min)`;
    expect(stdout).toMatch(
      new RegExp(
        `✔  network +convnet2d +40x30x5 +[\\d,]+ +32 \\+ 8 +16 +${amount} +${amount} +${amount} +${amount} \\(3 epochs\\) +${amount} +fits`,
      ),
    );
    expect(stdout).toMatch(/✔ {2}ridge .* solved at once/);
  });

  it('gives the same as data, with nothing else on standard output', async () => {
    const answer = await here.json<{
      healthy: boolean;
      available: { bytes: number };
      trainings: { stage: string; kind: string; estimate?: Record<string, unknown> }[];
    }>('doctor', 'trial.yaml', '-s', 'network.folds=2');
    expect(answer).toMatchObject({ healthy: true, pipeline: 'trial', valid: true });
    expect(answer.available.bytes).toBeGreaterThan(2 ** 28);
    expect(answer.trainings.map(({ stage, kind }) => [stage, kind])).toEqual([
      ['network', 'estimate'],
      ['ridge', 'trivial'],
    ]);
    expect(answer.trainings[0]?.estimate).toMatchObject({
      ...{ plots: { train: 20, validation: 20 }, networks: 2, epochs: 3, batchSize: 16, stepPlots: 10 },
      ...{ measuredPlots: 10, verdict: 'fits', peakBytes: expect.any(Number), trainingSeconds: expect.any(Number) },
    });
  });

  it('ends with 3 when a training needs more memory than there is, and says what to lower', async () => {
    const large = ['features.size=[320,212]', 'network.filters=[32,32]', 'network.batchSize=4096'];
    const plots = 'data.source=synthetic:plots?train=5200&test=4';
    const { code, stdout } = await here.furrow(
      'doctor',
      'trial.yaml',
      ...[...large, plots].flatMap((to) => ['-s', to]),
    );
    expect(stdout).toMatch(/✘ {2}network .* does not fit/);
    expect(stdout).toMatch(
      /network: needs about [\d.]+ GiB .* Lower `batchSize` from 4096 to \d+ \(about [\d.]+ GiB\)\. Extrapolated/,
    );
    expect(code).toBe(3);
  }, 180_000);

  it('lists what is wrong with the file, as furrow validate does, and with plots that a network cannot take', async () => {
    const wrong = await here.furrow('doctor', 'wrong.yaml');
    expect(wrong.stdout).toMatch(/wrong\.yaml:\d+:\d+ .*epoch.*did you mean `epochs`/);
    expect(wrong.code).toBe(2);
    const small = await here.furrow('doctor', 'trial.yaml', '-s', 'features.size=[4,4]');
    expect(small.stdout).toContain('network: Expected plots of at least 8x8 pixels');
    expect(small.code).toBe(2);
  });
});

describe('a libtensorflow that cannot be loaded', () => {
  let broken: string;
  let here: Project;

  beforeAll(() => {
    broken = copyWithoutTensorflow();
    here = project(broken);
    here.write(
      'network.yaml',
      `name: broken
stages:
  data: { uses: fetchData, with: { source: "synthetic:plots?train=4&test=2&width=16&height=12" } }
  features: { uses: preprocess, needs: [data], with: { bands: [green, red, red_edge, nir], target: filename, size: [16, 12] } }
  network: { uses: train, needs: [features], with: { model: convnet2d, epochs: 1, batchSize: 2 } }
`,
    );
  });
  afterAll(async () => {
    await here?.close();
    rmSync(broken, { recursive: true, force: true });
  });

  it('makes the doctor end with code 3, the reason, and what to do', async () => {
    const { code, stdout } = await here.furrow('doctor', '--json');
    const answer: Answer = JSON.parse(stdout);
    expect(code).toBe(3);
    expect(answer.healthy).toBe(false);
    const backend = answer.checks.find((check) => check.name === 'training backend');
    expect(backend).toMatchObject({ ok: false, action: expect.stringContaining('npm run setup') });
    expect(backend?.found).toMatch(/TensorFlow could not be loaded: .*tfjs_binding\.node/);
    // The rest is well, and still said.
    expect(answer.checks.find((check) => check.name === 'Temporal CLI')).toMatchObject({ ok: true });
  });

  it('keeps the doctor from measuring a training', async () => {
    const { code, stdout } = await here.furrow('doctor', 'network.yaml');
    expect(stdout).toContain('network.yaml: not measured, as nothing can train here');
    expect(code).toBe(3);
  });

  it('fails a training with BACKEND_MISSING, without another try and without another backend', async () => {
    const { code, stdout, stderr } = await here.furrow('run', 'network.yaml', '--on-failure', 'fail');
    expect(stdout + stderr).toContain('BACKEND_MISSING');
    expect(code).toBe(1);
    const { stages } = await here.json<{ stages: { name: string; status: string }[] }>('show');
    expect(stages.map(({ name, status }) => `${name} ${status}`)).toEqual([
      'data finished',
      'features finished',
      'network failed',
    ]);
    expect(stages.at(-1)).toMatchObject({ activityId: 'network#1', failure: { code: 'BACKEND_MISSING' } });
    expect(stages.at(-1)).not.toHaveProperty('artifact');
  }, 120_000);
});

/** The product as it is built, with an addon that is no library: what a broken download or another C library leaves. */
function copyWithoutTensorflow(): string {
  const copy = mkdtempSync(join(tmpdir(), 'furrow-broken-'));
  for (const name of ['package.json', 'package-lock.json', 'bin', 'contract', 'configs', 'activities', 'dist'])
    cpSync(join(productRoot, name), join(copy, name), { recursive: true });
  const modules = 'node_modules';
  linkAll(modules, '@tensorflow');
  linkAll(join(modules, '@tensorflow'), 'tfjs-node');
  const tfjs = join(modules, '@tensorflow', 'tfjs-node');
  // Copied: a module that is reached by a link looks for its neighbours where it really lies.
  cpSync(join(productRoot, tfjs), join(copy, tfjs), {
    recursive: true,
    filter: (path) => !/tfjs-node[\\/](deps|lib)([\\/]|$)/.test(path),
  });
  mkdirSync(join(copy, tfjs, 'lib/napi-v8'), { recursive: true });
  writeFileSync(join(copy, tfjs, 'lib/napi-v8/tfjs_binding.node'), 'not a library');
  return copy;

  function linkAll(folder: string, but: string): void {
    mkdirSync(join(copy, folder), { recursive: true });
    for (const name of readdirSync(join(productRoot, folder)))
      if (name !== but) symlinkSync(join(productRoot, folder, name), join(copy, folder, name), 'junction');
  }
}
