import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporal, tensorflow } from '../setup/pins.mjs';
import { moduleGraph, stageFingerprints } from './fingerprints.mjs';
import { processEntries } from './processEntries.mjs';

const source = resolve(import.meta.dirname, '..');
const root = mkdtempSync(join(tmpdir(), 'furrow-code-'));
let before: Record<string, string>;

beforeAll(async () => {
  for (const room of ['contract', 'activities', 'lib', 'worker', 'client', 'workflows', 'setup', 'serving'])
    cpSync(join(source, room), join(root, room), { recursive: true, filter: (path) => !path.endsWith('.test.ts') });
  for (const file of ['package.json', 'package-lock.json']) cpSync(join(source, file), join(root, file));
  symlinkSync(join(source, 'node_modules'), join(root, 'node_modules'), 'junction');
  before = await fingerprints();
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('the fingerprint of a stage', () => {
  it('is one for each, and the same when it is taken again', async () => {
    expect(new Set(Object.values(before)).size).toBe(Object.keys(before).length);
    expect(await fingerprints()).toEqual(before);
  });

  it('changes with a helper, for exactly the stages that use it', async () => {
    expect(await changedBy('lib/data/plot/preprocessPlot.ts', (code) => `${code}\nexport const edited = 1;\n`)).toEqual(
      usersOf('lib/data/plot/preprocessPlot.ts'),
    );
    expect(usersOf('lib/data/plot/preprocessPlot.ts')).toContain('preprocess');
    expect(usersOf('lib/data/plot/preprocessPlot.ts')).not.toContain('fetchData');
  });

  it('changes with code that is reached only by way of a child process', async () => {
    const changed = await changedBy('lib/models/trainer/sgd.ts', (code) => `${code}\nexport const edited = 1;\n`);
    expect(changed).toContain('train');
    expect(changed).not.toContain('preprocess');
  });

  it('does not change with comments, white space or types', async () => {
    const edited = (code: string) =>
      `// a comment\n${code.replaceAll('\n', '\n\n')}\n/** Another. */\nexport interface Edited { readonly x: number }\n`;
    expect(await changedBy('lib/models/trainer/sgd.ts', edited)).toEqual([]);
  });

  it('does not change with what no stage uses: the client, the worker, the workflow, a page', async () => {
    for (const path of ['client/main.ts', 'worker/main.ts', 'workflows/trainPipeline.ts'])
      expect(await changedBy(path, (code) => `${code}\nexport const edited = 1;\n`), path).toEqual([]);
    writeFileSync(join(root, 'lib/README.md'), 'edited');
    expect(await changed()).toEqual([]);
  });

  it('changes with the locked version of a package, for its users alone', async () => {
    const changed = await changedBy('package-lock.json', (lock) => {
      const edited = JSON.parse(lock);
      edited.packages['node_modules/fastify'].version = '99.0.0';
      return JSON.stringify(edited);
    });
    expect(changed).toContain('buildImage');
    expect(changed).not.toContain('train');
  });

  it('changes with a package that a package brings', async () => {
    const changed = await changedBy('package-lock.json', (lock) => {
      const edited = JSON.parse(lock);
      edited.packages['node_modules/@tensorflow/tfjs-core'].version = '99.0.0';
      return JSON.stringify(edited);
    });
    expect(changed).toContain('train');
    expect(changed).not.toContain('preprocess');
  });

  it('changes with a pin of TensorFlow, for exactly the stages that compute with it, and not with one of Temporal', async () => {
    for (const digest of [tensorflow.wheel.sha256, tensorflow.archives['win32-x64'].sha256]) {
      const repinned = await changedBy('setup/pins.mjs', (pins) => pins.replace(digest, '0'.repeat(64)));
      expect(repinned).toEqual(expect.arrayContaining(['train', 'evaluate']));
      expect(repinned).not.toContain('fetchData');
    }
    const version = await changedBy('setup/pins.mjs', (pins) =>
      pins.replaceAll("version: '2.9.1'", "version: '2.9.3'"),
    );
    expect(version).toContain('train');
    expect(await changedBy('setup/pins.mjs', (pins) => pins.replace(temporal.version, '99.0.0'))).toEqual([]);
    expect(await changedBy('setup/pins.mjs', (pins) => `// a comment\n${pins}`)).toEqual([]);
  });

  it('changes for all when the version of what they share is raised, and for none when that is edited', async () => {
    const raised = await changedBy('contract/version.ts', (code) =>
      code.replace(/sharedVersion = (\d+)/, 'sharedVersion = 999'),
    );
    expect(raised).toEqual(Object.keys(before).sort());
    expect(await changedBy('contract/stage.ts', (code) => `${code}\nexport const edited = 1;\n`)).toEqual([]);
  });
});

/** Edits a file, tells which stages changed, and puts it back. */
async function changedBy(path: string, edit: (code: string) => string): Promise<string[]> {
  const file = join(root, path);
  const code = readFileSync(file, 'utf8');
  writeFileSync(file, edit(code));
  try {
    return await changed();
  } finally {
    writeFileSync(file, code);
  }
}

async function changed(): Promise<string[]> {
  const after = await fingerprints();
  return Object.keys(before)
    .filter((stage) => after[stage] !== before[stage])
    .sort();
}

let modules: Record<string, string[]> = {};

function usersOf(path: string): string[] {
  return Object.keys(modules)
    .filter((stage) => modules[stage]?.includes(path))
    .sort();
}

/** As the build does it, without writing anything. */
async function fingerprints(): Promise<Record<string, string>> {
  const stages = readdirSync(join(root, 'activities'))
    .filter((name) => /^\w+\.ts$/.test(name))
    .map((name) => `activities/${name}`);
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [...stages, ...processEntries(root)],
    outbase: root,
    outdir: join(root, 'never-written'),
    bundle: true,
    splitting: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    metafile: true,
    write: false,
    logLevel: 'error',
  });
  const found = await stageFingerprints({ root, graph: moduleGraph(metafile), stages });
  modules = Object.fromEntries(Object.entries(found).map(([stage, { modules }]) => [stage, Object.keys(modules)]));
  return Object.fromEntries(Object.entries(found).map(([stage, { fingerprint }]) => [stage, fingerprint]));
}
