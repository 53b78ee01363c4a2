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
    here = project();
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

  it('fails a training with BACKEND_MISSING, without another try and without another backend', async () => {
    const { code, stdout, stderr } = await here.furrow('run', 'network.yaml');
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
