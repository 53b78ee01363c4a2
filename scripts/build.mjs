// @ts-check
// Builds dist/: the programs, each stage as a file of its own, the workflow bundle, the fingerprints, the JSON schema.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { build } from 'esbuild';
import { bundleServing } from '../serving/bundle.mjs';
import { directPackages, moduleGraph, stageFingerprints } from './fingerprints.mjs';
import { processEntries } from './processEntries.mjs';

const root = resolve(import.meta.dirname, '..');

/** Programs that a person or the worker starts; the processes that stages start are found by {@link processEntries}. */
const programs = [
  'bench/stages.ts',
  'bench/bare/main.ts',
  'bench/train/main.ts',
  'bench/train/ours.ts',
  'bench/resume/main.ts',
  'bench/faults/main.ts',
  'bench/learning/main.ts',
  'bench/fetch/main.ts',
  'bench/fetch/once.ts',
  'bench/lookups.ts',
  'bench/tracking/main.ts',
];

/** The command, with the packages that it needs in it: half of a short command's time would go into finding their files. */
const client = 'client/main.ts';
const neverInClient = [
  '@temporalio/worker',
  '@temporalio/core-bridge',
  '@tensorflow/*',
  '@google-cloud/*',
  'fastify',
  'pino',
  '@fastify/*',
];

const stageFile = /^\w+\.ts$/;
/** A file that no stage can be named by would be passed over in silence. */
const misnamed = readdirSync(join(root, 'activities')).filter(
  (name) => /(?<!\.test)\.ts$/.test(name) && !stageFile.test(name),
);
if (misnamed.length > 0)
  throw new Error(`Name a stage with letters and digits: activities/${misnamed.join(', activities/')}`);

const stages = readdirSync(join(root, 'activities'))
  .filter((name) => stageFile.test(name))
  .map((name) => `activities/${name}`);
const present = (/** @type {string} */ path) =>
  readdirSync(join(root, dirname(path))).includes(path.split('/').pop() ?? '');

const aside = join(root, `dist.${process.pid}`);
rmSync(aside, { recursive: true, force: true });
async function main() {
  const processes = processEntries(root);
  const entries = [...programs, ...stages, ...processes].filter(present);
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: entries,
    outbase: root,
    outdir: aside,
    bundle: true,
    splitting: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    metafile: true,
    legalComments: 'none',
    chunkNames: 'chunks/[name]-[hash]',
    logLevel: 'warning',
  });
  await buildClient();
  await bundleServing({ root, outdir: aside });

  const graph = moduleGraph(metafile);
  writeFileSync(join(aside, 'package.json'), '{ "type": "module" }\n');
  await bundleWorkflows();
  const manifest = {
    build: digestOfFolder(aside),
    packages: directPackages(root),
    stages: await stageFingerprints({ root, graph, stages }),
  };
  writeFileSync(join(aside, 'fingerprints.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  swap();
  keepCompiled();
}

/**
 * One file, so that V8 can keep it compiled: see bin/furrow.js. What a command does not use is in it, and costs it nothing.
 */
async function buildClient() {
  await build({
    absWorkingDir: root,
    entryPoints: [client],
    outfile: join(aside, 'cli/furrow.cjs'),
    bundle: true,
    external: neverInClient,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    logLevel: 'error',
    banner: { js: "const __importMetaUrl = require('node:url').pathToFileURL(__filename).href;" },
    define: { 'import.meta.url': '__importMetaUrl', 'import.meta.dirname': '__dirname' },
    plugins: [stageList],
  });
}

/** @type {import('esbuild').Plugin} */
const stageList = {
  name: 'stage-list',
  setup(builder) {
    builder.onLoad({ filter: /activities[\\/]attempt[\\/]stageFiles\.ts$/ }, () => {
      const names = stages.map((path) => path.replace(/^activities\/|\.ts$/g, ''));
      const imports = names.map((name, index) => `import * as stage${index} from '../${name}.ts';`);
      const entries = names.map((name, index) => `['${name}', stage${index}]`);
      return {
        contents: `${imports.join('\n')}\nexport const importStageFiles = async () => new Map([${entries.join(', ')}]);`,
        loader: 'ts',
      };
    });
  },
};

async function bundleWorkflows() {
  if (!present('workflows/index.ts')) return;
  const { bundleWorkflowCode } = await import('@temporalio/worker');
  const quiet = { trace() {}, debug() {}, info() {}, log() {}, warn: console.warn, error: console.error };
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(root, 'workflows/index.ts'),
    failureConverterPath: join(root, 'workflows/failureConverter.ts'),
    logger: quiet,
  });
  mkdirSync(join(aside, 'workflows'), { recursive: true });
  writeFileSync(join(aside, 'workflows/bundle.js'), code);
  // The worker loads it by `require`.
  await build({
    absWorkingDir: root,
    entryPoints: ['workflows/failureConverter.ts'],
    outfile: join(aside, 'workflows/failureConverter.cjs'),
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    logLevel: 'warning',
  });
}

/** @param {string} folder */
function digestOfFolder(folder) {
  const hash = createHash('sha256');
  for (const path of readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((item) => item.isFile())
    .map((item) => join(item.parentPath, item.name))
    .sort()) {
    hash.update(path.slice(folder.length)).update(readFileSync(path));
  }
  return hash.digest('hex');
}

/** Runs a short command once, so that the code cache holds what every command compiles. */
function keepCompiled() {
  const { status } = spawnSync(process.execPath, [join(root, 'bin/furrow.js'), 'warm-up'], {
    cwd: root,
    env: { ...process.env, FURROW_WRITE_CODE_CACHE: '1' },
    stdio: 'inherit',
  });
  if (status !== 0) throw new Error(`\`furrow warm-up\` ended with ${status}`);
}

/** The old build stays whole until the new one is. */
function swap() {
  const dist = join(root, 'dist');
  const old = join(root, `dist.${process.pid}.old`);
  try {
    renameSync(dist, old);
  } catch {
    // there was none
  }
  renameSync(aside, dist);
  rmSync(old, { recursive: true, force: true });
}

try {
  await main();
} finally {
  rmSync(aside, { recursive: true, force: true });
}
