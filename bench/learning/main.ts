/**
 * What each switch of the trainer brings: a pipeline's network, and the same with one thing changed, each trained from several
 * seeds. See docs/learning.md.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { loadContracts } from '../../activities/attempt/catalog.ts';
import type { ResolvedPipeline, ResolvedStage } from '../../contract/config.ts';
import { formatProblem, parsePipeline } from '../../lib/config/parsePipeline.ts';
import { printTable } from '../table.ts';
import { Laboratory, paramsOf, type Recipe, type VariantResult } from './measure.ts';
import { type Variant, variantsOf } from './switches.ts';

const help = `npm run bench:learning -- PIPELINE [OPTIONS]

Trains a pipeline's network as the file says, and again with one switch changed at a time.
Validation errors are of plots held out from the networks that predict them: choose by those.

  --stage NAME     the train stage to vary (default: the first that is no ridge)
  --only NAMES     rows, by the starts of their names, separated by commas (default: all)
  --seeds N        trainings a row (default: 3)
  --json           results as JSON

Two trainings run at once, of one thread each.
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    stage: { type: 'string' },
    only: { type: 'string' },
    seeds: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const [file] = positionals;
if (values.help || file === undefined) process.stdout.write(help);
else await main(file);

async function main(file: string): Promise<void> {
  const recipe = recipeOf(await readPipeline(file));
  const seeds = Array.from({ length: Number(values.seeds) }, (_, index) => index + 1);
  const wanted = values.only?.split(',');
  const rows = variantsOf(recipe.train).filter(({ name }) => wanted?.some((start) => name.startsWith(start)) ?? true);
  // A variant that this network cannot be is known before the first one is trained.
  for (const variant of rows) paramsOf(recipe, variant);
  const folder = mkdtempSync(join(tmpdir(), 'furrow-learning-'));
  const results: VariantResult[] = [];
  try {
    const laboratory = new Laboratory(folder);
    for (const variant of rows) results.push(await measured(laboratory, recipe, variant, seeds));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  if (values.json) process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
  else print(results);
}

async function measured(laboratory: Laboratory, recipe: Recipe, variant: Variant, seeds: readonly number[]) {
  const result = await laboratory.measure(recipe, variant, seeds);
  process.stderr.write(`${cells(result).join('  ')}\n`);
  return result;
}

function print(results: readonly VariantResult[]): void {
  printTable([
    ['changed', 'validation MAE', 'test MAE', '95 % interval', 'seeds', 's a training'],
    ...results.map(cells),
  ]);
}

function cells({ name, seeds, testInterval: [low, high] }: VariantResult): string[] {
  const seconds = seeds.reduce((sum, seed) => sum + seed.seconds, 0) / seeds.length;
  return [
    name,
    meanAndDeviation(seeds.map(({ valMae }) => valMae)),
    meanAndDeviation(seeds.map(({ testMae }) => testMae)),
    `${low.toFixed(2)}-${high.toFixed(2)}`,
    String(seeds.length),
    seconds.toFixed(0),
  ];
}

/** Of the seeds' results; the deviation is that of a sample. */
function meanAndDeviation(values: readonly number[]): string {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return `${mean.toFixed(2)} ± ${values.length > 1 ? Math.sqrt(squares / (values.length - 1)).toFixed(2) : '?'}`;
}

async function readPipeline(path: string): Promise<ResolvedPipeline> {
  const parsed = parsePipeline({
    text: readFileSync(path, 'utf8'),
    file: path,
    env: process.env,
    contracts: await loadContracts(),
  });
  if (parsed.ok) return parsed.pipeline;
  throw new Error(parsed.problems.map(formatProblem).join('\n'));
}

function recipeOf({ stages, seed }: ResolvedPipeline): Recipe {
  const named = (uses: string, fits: (stage: ResolvedStage) => boolean = () => true): ResolvedStage => {
    const found = stages.find((stage) => stage.uses === uses && fits(stage));
    if (!found) throw new Error(`The pipeline has no such ${uses} stage`);
    return found;
  };
  const trained = named('train', ({ name, with: params }) =>
    values.stage ? name === values.stage : params.model !== 'ridge',
  );
  const source = String(named('fetchData').with.source);
  const path = source.startsWith('file:') ? `file:${resolve(source.slice('file:'.length))}` : source;
  return { source: path, preprocess: named('preprocess').with, train: trained.with, seed };
}
