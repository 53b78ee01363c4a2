import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ArtifactRef, contentRef, type FinishedStage } from '../contract/artifact.ts';
import type { JsonObject } from '../contract/json.ts';
import type { Evaluation, Interval } from '../contract/model.ts';
import type { Stage, StageContext, StageInput } from '../contract/stage.ts';
import { entryPoint } from '../lib/code/root.ts';
import { pushImage } from '../lib/image/distribution/push.ts';
import { linuxOnly } from '../lib/image/testing/linuxOnly.ts';
import { nodeBase } from '../lib/image/testing/smallBase.ts';
import { type StrictRegistry, strictRegistry } from '../lib/image/testing/strictRegistry.ts';
import { moveAlias, readAlias } from '../lib/registry/aliases.ts';
import { listVersions } from '../lib/registry/versions.ts';
import { openArtifact, stageArtifact } from '../lib/store/artifacts.ts';
import { digestOf } from '../lib/store/digest.ts';
import { openStore, type Store } from '../lib/store/store.ts';
import { attemptPointers } from './attempt/pointers.ts';
import buildImage from './buildImage.ts';
import registerModel from './registerModel.ts';

let folder: string;
let store: Store;
let registry: StrictRegistry;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'furrow-effects-'));
  store = await openStore(pathToFileURL(join(folder, 'store')).href, { create: true });
  registry = await strictRegistry();
});

afterEach(async () => {
  await registry.close();
  await rm(folder, { recursive: true });
});

test('a registered model is a version with its metrics and where it came from', async () => {
  const { finished } = await register('first');
  expect(finished.facts).toEqual({ model: 'nitrogen', version: 1, alias: 'candidate', winner: 'ridge' });
  expect(finished.headline).toEqual({ name: 'test_mae', value: 21 });
  const [version] = await listVersions(attemptPointers(store), 'nitrogen');
  expect(version).toMatchObject({ winner: { network: 'ridge' }, metrics: { test_mae: 21 } });
});

test('the artifact of a version holds no place, and is the same however often it is registered', async () => {
  const [first, second] = [await register('one'), await register('one')];
  expect(second.finished.artifact.digest).toBe(first.finished.artifact.digest);
  const text = await openArtifact(store, first.finished.artifact).read('version.json');
  expect(Buffer.from(text).toString()).not.toContain('file:');
});

test('a hit counts while the version and its alias are there; a run that hits moves a moved alias back', async () => {
  const first = await register('one');
  expect(await first.isPresent()).toBe(true);
  await register('two');
  expect(await first.isPresent()).toBe(false);
  await register('one');
  expect(await first.isPresent()).toBe(true);
  expect(await readAlias(attemptPointers(store), 'nitrogen', 'candidate')).toBe(1);
  await moveAlias(attemptPointers(store), 'nitrogen', 'champion', 2);
  expect(await first.isPresent()).toBe(true);
});

// The server is bundled by `npm run build`.
test.runIf(existsSync(entryPoint('serving/server.ts')))(
  'an image is kept as a layout, pushed, and missed when the registry loses it',
  async (context) => {
    linuxOnly(context);
    const { finished: version } = await register('one');
    const params = { registry: `${registry.host}/team` };
    const image = await runStage(buildImage as unknown as Stage, params, { version: input(version.artifact) });
    const { facts, artifact } = image.finished;
    expect(facts).toMatchObject({
      name: 'team/nitrogen:v1',
      pushed: `${registry.host}/team/nitrogen:v1@${facts.image}`,
    });
    const paths = (await openArtifact(store, artifact).files()).map(({ path }) => path);
    expect(paths).toEqual(
      expect.arrayContaining(['index.json', 'oci-layout', `blobs/${String(facts.image).replace(':', '/')}`]),
    );
    expect(await image.isPresent()).toBe(true);

    registry.manifests.clear();
    expect(await image.isPresent()).toBe(false);
    const again = await runStage(buildImage as unknown as Stage, params, { version: input(version.artifact) });
    expect(again.finished.artifact.digest).toBe(artifact.digest);
    expect(await image.isPresent()).toBe(true);
  },
  60_000,
);

test.runIf(existsSync(entryPoint('serving/server.ts')))(
  "an image is built anew once the worker's Node or platform is another, with or without a registry",
  async (context) => {
    linuxOnly(context);
    const { finished: version } = await register('one');
    const image = await runStage(buildImage as unknown as Stage, {}, { version: input(version.artifact) });
    const { origin, ...facts } = image.finished.facts as { origin: JsonObject };
    expect(await image.isPresent()).toBe(true);
    const isPresent = (changed: JsonObject) => image.isPresent({ ...facts, origin: { ...origin, ...changed } });
    expect(await isPresent({ node: '20.0.0' })).toBe(false);
    expect(await isPresent({ nodeLayer: `sha256:${'0'.repeat(64)}` })).toBe(false);
    expect(await isPresent({ platform: 'linux/riscv64' })).toBe(false);
    // As results are that were made before this was recorded.
    expect(await image.isPresent(facts)).toBe(false);
  },
  60_000,
);

test.runIf(existsSync(entryPoint('serving/server.ts')))(
  "an image is built anew once its base's tag means another image",
  async () => {
    const { finished: version } = await register('one');
    const pushBase = async (mark: string) => {
      const layout = await nodeBase(await mkdtemp(join(folder, 'base-')), mark);
      await pushImage(layout, { host: registry.host, repository: 'library/node', tag: '20' });
    };
    const params = { base: `${registry.host}/library/node:20` };
    const build = () => runStage(buildImage as unknown as Stage, params, { version: input(version.artifact) });
    await pushBase('first');
    const before = await build();
    expect(await before.isPresent()).toBe(true);
    await pushBase('with a security update');
    expect(await before.isPresent()).toBe(false);
    const after = await build();
    expect(after.finished.artifact.digest).not.toBe(before.finished.artifact.digest);
    expect(await after.isPresent()).toBe(true);
  },
  60_000,
);

async function register(mark: string) {
  const evaluation = await writeEvaluation(mark);
  return runStage(registerModel as unknown as Stage, { model: 'nitrogen' }, { evaluation: input(evaluation) });
}

async function runStage({ contract, implementation }: Stage, params: JsonObject, inputs: Record<string, StageInput>) {
  const output = stageArtifact(store, contract.output);
  const scratch = await mkdtemp(join(folder, 'scratch-'));
  const context = {
    stage: contract.name,
    params: contract.params.parse(params),
    inputs,
    key: digestOf(JSON.stringify(params)),
    scratch,
    signal: new AbortController().signal,
    log: { info: () => {}, warn: () => {} },
    output,
    pointers: attemptPointers(store),
    progress: () => {},
    open: (ref: ArtifactRef) => openArtifact(store, ref),
  } as unknown as StageContext;
  const outcome = await implementation.run(context);
  const { ref } = await output.seal();
  const finished = { artifact: ref, metrics: {}, facts: {}, ...outcome } as FinishedStage;
  const isPresent = (facts: JsonObject = finished.facts) => implementation.isPresent?.(context, { ...finished, facts });
  return { finished, isPresent };
}

function input(ref: ArtifactRef): StageInput {
  return { stage: 'before', artifact: openArtifact(store, ref), metrics: {} };
}

async function writeEvaluation(mark: string): Promise<ArtifactRef> {
  const model = stageArtifact(store, 'model');
  await mkdir(join(folder, 'model'), { recursive: true });
  await model.add('model.json', JSON.stringify({ format: 1, network: 'ridge', mark }));
  await model.add('weights.f32', new Uint8Array(4));
  const { ref } = await model.seal();
  const metrics = { plots: 40, mae: value(21), rmse: value(30), r2: value(0.9), bias: value(0), perLevel: [] };
  const evaluation: Evaluation = {
    format: 1,
    metric: 'mae',
    target: { name: 'nitrogen', unit: 'kg/ha' },
    winner: { name: 'ridge', model: contentRef(ref) },
    models: [
      { name: 'ridge', network: 'ridge', baseline: false, crossValidated: false, validation: metrics, test: metrics },
    ],
  };
  const output = stageArtifact(store, 'evaluation');
  await output.add('evaluation.json', JSON.stringify(evaluation));
  return (await output.seal()).ref;
}

function value(of: number): Interval {
  return { value: of, low: of, high: of };
}
