import { expect, test } from 'vitest';
import type { ResolvedPipeline } from '../../contract/config.ts';
import { formatProblem, type PipelineRequest, type Problem, parsePipeline } from './parsePipeline.ts';
import { exampleContracts, nitrogen } from './testing/exampleContracts.ts';

type Options = Partial<Pick<PipelineRequest, 'set' | 'env' | 'contracts'>>;

function parsed(text: string, options: Options = {}): ResolvedPipeline {
  const outcome = parsePipeline({ text, file: 'p.yaml', contracts: exampleContracts, ...options });
  if (!outcome.ok) throw new Error(outcome.problems.map(formatProblem).join('\n'));
  return outcome.pipeline;
}

function problems(text: string, options: Options = {}): readonly Problem[] {
  const outcome = parsePipeline({ text, file: 'p.yaml', contracts: exampleContracts, ...options });
  return outcome.ok ? [] : outcome.problems;
}

function lines(text: string, options: Options = {}): string[] {
  return problems(text, options).map(formatProblem);
}

function stage(pipeline: ResolvedPipeline, name: string) {
  return pipeline.stages.find((candidate) => candidate.name === name);
}

test('the nitrogen pipeline is resolved with every default', () => {
  const pipeline = parsed(nitrogen);
  expect(pipeline).toMatchObject({ name: 'nitrogen', seed: 42, store: '.furrow/store', strictRuntime: false });
  expect(stage(pipeline, 'convnet')).toEqual({
    name: 'convnet',
    uses: 'train',
    kind: 'pure',
    needs: ['features'],
    inputs: { features: ['features'] },
    with: {
      model: 'convnet2d',
      optimizer: { sgd: { lr: 0.001, momentum: 0 } },
      epochs: 20,
      batchSize: 16,
      patience: 'never',
      checkpointEvery: 1,
    },
    queue: 'train-gpu',
    work: 'training',
    attempts: 20,
    approval: false,
    startToCloseSeconds: 7 * 24 * 3600,
    usesTensorflow: true,
    output: 'model',
  });
  expect(stage(pipeline, 'evaluate')?.inputs).toEqual({ features: ['features'], models: ['convnet', 'vit', 'ridge'] });
  expect(stage(pipeline, 'register')?.inputs).toEqual({ evaluation: ['evaluate'], champion: [] });
});

test('stages come after what they need, otherwise in the order of the file', () => {
  const backwards = `name: x
stages:
  ridge: { uses: train, needs: [features], with: { model: ridge } }
  other: { uses: fetchData, with: { source: b } }
  features: { uses: preprocess, needs: [data] }
  data: { uses: fetchData, with: { source: a } }
`;
  expect(parsed(backwards).stages.map((each) => each.name)).toEqual(['other', 'data', 'features', 'ridge']);
});

test('attempts, timeout and queue of a stage override those of its kind of work', () => {
  const text = nitrogen.replace('model: ridge }', 'model: ridge }, attempts: 2, timeout: 90m, queue: big');
  expect(stage(parsed(text), 'ridge')).toMatchObject({ attempts: 2, startToCloseSeconds: 5400, queue: 'big' });
  expect(lines(nitrogen.replace('model: ridge }', 'model: ridge }, timeout: 90'))).toEqual([
    'p.yaml:9:80 stages.ridge.timeout: Expected a duration like `90s`, `30m`, `6h` or `2d`, got `90` (number)',
  ]);
});

test('several faults are told at once, in the order of the file, with place, path and the nearest name', () => {
  const text = nitrogen
    .replace('seed: 42', 'seed: -1')
    .replace('uses: preprocess', 'uses: preproces')
    .replace('batchSize: 16, epochs: 20', 'batchSize: 0, epoch: 20')
    .replace('needs: [evaluate]', 'needs: [evalute]');
  expect(problems(text)).toEqual([
    {
      file: 'p.yaml',
      line: 2,
      column: 7,
      path: 'seed',
      message: 'Expected an integer from 0 and up, got `-1` (number)',
    },
    expect.objectContaining({ line: 6, column: 21, path: 'stages.features.uses', nearest: 'preprocess' }),
    expect.objectContaining({
      line: 7,
      column: 137,
      path: 'stages.convnet.with.batchSize',
      message: 'Expected an integer from 1 to 1024, got `0` (number)',
    }),
    expect.objectContaining({
      line: 7,
      path: 'stages.convnet.with.epoch',
      message: 'Unknown key `epoch`',
      nearest: 'epochs',
    }),
    expect.objectContaining({ line: 11, path: 'stages.register.needs.0', nearest: 'evaluate' }),
  ]);
});

test('a problem reads as one line', () => {
  expect(lines(nitrogen.replace('metric: mae', 'metrik: mae'))).toEqual([
    'p.yaml:10:79 stages.evaluate.with.metrik: Unknown key `metrik` (expected `metric`; did you mean `metric`?)',
  ]);
});

test('tracking goes by the name of the pipeline, and is `auto`, unless it says otherwise', () => {
  expect(parsed(nitrogen).tracking).toBeUndefined();
  expect(parsed(`${nitrogen}tracking: { wandb: {} }\n`).tracking).toEqual({
    wandb: { project: 'nitrogen', mode: 'auto', tags: [] },
  });
  expect(lines(`${nitrogen}tracking: { wandb: { mode: live } }\n`)[0]).toMatch(
    /^p\.yaml:12:28 tracking\.wandb\.mode: .*`auto`.*`offline`/,
  );
  expect(lines(`${nitrogen}tracking: { wandb: { project: a/b } }\n`)[0]).toContain('without /');
});

test('what later versions may bring is unknown now', () => {
  expect(lines(`${nitrogen}trackin: { wandb: {} }\n`)[0]).toMatch(/^p\.yaml:12:1 trackin: Unknown key `trackin`/);
  expect(lines(nitrogen.replace('.furrow/store', 's3://bucket/x'))[0]).toMatch(/^p\.yaml:3:8 store: Unknown store/);
});

test('a missing key is told at the innermost thing that is there', () => {
  expect(lines(nitrogen.replace('uses: fetchData,', ''))).toContain(
    'p.yaml:5:3 stages.data.uses: `uses` is missing (expected text that is not empty)',
  );
  expect(lines('seed: 1\n').map((line) => line.split(' (')[0])).toEqual([
    'p.yaml:1:1 name: `name` is missing',
    'p.yaml:1:1 stages: `stages` is missing',
  ]);
});

test('of a union only the option that was meant is spoken of', () => {
  expect(lines(nitrogen.replace('model: vit', 'model: vti'))).toEqual([
    'p.yaml:8:80 stages.vit.with.model: Unknown model, got `vti` (string) (expected one of `convnet2d`, `vit`, `ridge`; did you mean `vit`?)',
  ]);
  expect(lines(nitrogen.replace('{ model: ridge }', '{ alpha: 1 }'))).toEqual([
    'p.yaml:9:47 stages.ridge.with.model: `model` is missing (expected one of `convnet2d`, `vit`, `ridge`)',
  ]);
  expect(
    lines(nitrogen.replace('sgd: { lr: 0.001 }', 'sgd: { lr: 0, momentun: 1 }')).map((line) =>
      line.slice(0, line.indexOf(' (')),
    ),
  ).toEqual([
    'p.yaml:7:115 stages.convnet.with.optimizer.sgd.lr: Expected a number above 0, got `0`',
    'p.yaml:7:118 stages.convnet.with.optimizer.sgd.momentun: Unknown key `momentun`',
  ]);
  expect(lines(nitrogen.replace('sgd:', 'sdg:'))).toEqual([
    'p.yaml:7:104 stages.convnet.with.optimizer.sdg: Unknown key `sdg` (expected one of `sgd`, `adam`; did you mean `sgd`?)',
  ]);
  expect(lines(nitrogen.replace('optimizer: { sgd: { lr: 0.001 } }', 'patience: 0'))[0]).toContain(
    'Expected an integer from 1 and up or `never`, got `0` (number)',
  );
});

test('a circle is named at the first of its stages, once', () => {
  const text = nitrogen.replace('needs: [data]', 'needs: [data, evaluate]');
  expect(lines(text)[0]).toBe(
    'p.yaml:6:47 stages.features.needs.1: The stages need each other in a circle: features → evaluate → features',
  );
  expect(lines(text).filter((line) => line.includes('circle'))).toHaveLength(1);
  expect(lines(nitrogen.replace('needs: [data]', 'needs: [data, features]'))[0]).toContain(
    'The stage `features` needs itself',
  );
});

test('inputs are checked by what the needed stages make', () => {
  expect(lines(nitrogen.replace('needs: [data], ', ''))).toEqual([
    'p.yaml:6:3 stages.features.needs: `preprocess` needs a stage that makes `plots` (expected `data`; did you mean `data`?)',
  ]);
  expect(lines(nitrogen.replace('[features, convnet, vit, ridge]', '[features, data]'))).toEqual([
    'p.yaml:10:31 stages.evaluate.needs: `evaluate` needs at least one stage that makes `model` (expected `convnet`, `vit`, `ridge`)',
    'p.yaml:10:49 stages.evaluate.needs.1: `data` makes `plots`, which `evaluate` does not take (expected stages that make `features`, `model`)',
  ]);
  const two = nitrogen
    .replace('  features:', '  more: { uses: fetchData, with: { source: x } }\n  features:')
    .replace('[data]', '[data, more]');
  expect(lines(two)).toEqual([
    'p.yaml:7:47 stages.features.needs.1: `preprocess` takes one stage that makes `plots`, and `more` is one more',
  ]);
  expect(lines(nitrogen.replace('[data]', '[data, data]'))[0]).toContain('The stage `data` is listed twice');
});

test('a stage that cannot be read is not also said to lack inputs', () => {
  expect(lines(nitrogen.replace('uses: fetchData', 'uses: fetchdata'))).toEqual([
    expect.stringContaining('did you mean `fetchData`?'),
  ]);
});

test('values given with --set take the place of those in the file', () => {
  const pipeline = parsed(nitrogen, {
    set: {
      'convnet.epochs': 3,
      'stages.vit.queue': 'furrow',
      seed: 7,
      'convnet.optimizer.sgd.lr': 0.5,
      'vit.patch.1': 26,
    },
  });
  expect(pipeline.seed).toBe(7);
  expect(stage(pipeline, 'convnet')?.with).toMatchObject({ epochs: 3, optimizer: { sgd: { lr: 0.5 } } });
  expect(stage(pipeline, 'vit')).toMatchObject({ queue: 'furrow', with: { patch: [32, 26] } });
});

test('a --set that fits nowhere is a problem of --set, with the nearest path', () => {
  const set = {
    'convnt.epochs': 3,
    'vit.epoch': 3,
    sed: 1,
    'stages.vit.quue': 'x',
    'ridge.alpha': -1,
    'a..b': 1,
    'stages.__proto__.x': 1,
  };
  const found = problems(nitrogen, { set });
  expect(found.every((problem) => problem.file === '--set' && problem.line === 0)).toBe(true);
  expect(found.map((problem) => problem.nearest)).toEqual([
    'convnet.epochs',
    'seed',
    'stages.vit.queue',
    undefined,
    undefined,
    'epochs',
    undefined,
  ]);
  expect(found.map(formatProblem)).toContain(
    '--set stages.ridge.with.alpha: Expected a number from 0 and up, got `-1` (number)',
  );
});

test('limits hold: stages, size, nesting, names that would reach into objects', () => {
  const many = Array.from({ length: 501 }, (_, index) => `  s${index}: { uses: fetchData, with: { source: x } }`).join(
    '\n',
  );
  expect(lines(`name: x\nstages:\n${many}\n`)).toEqual([
    'p.yaml:2:1 stages: The pipeline has 501 stages (expected at most 500)',
  ]);
  expect(parsed(`name: x\nstages:\n${many.split('\n').slice(1).join('\n')}\n`).stages).toHaveLength(500);
  const odd = 'name: x\nstages:\n  constructor: { uses: constructor }\n  __proto__: { uses: fetchData }\n';
  expect(problems(odd).map((problem) => [problem.line, problem.path])).toEqual([
    [3, 'stages.constructor.uses'],
    [4, 'stages.__proto__'],
  ]);
  expect(parsed('name: x\nstages:\n  constructor: { uses: fetchData, with: { source: x } }\n').stages).toHaveLength(1);
});

test('a large file with nothing right in it is still read within seconds', () => {
  const needs = (stage: number) =>
    Array.from({ length: 40 }, (_, need) => `${'t'.repeat(40)}${need}x${stage}`).join(', ');
  const stages = Array.from(
    { length: 300 },
    (_, stage) => `  ${'s'.repeat(40)}${stage}: { uses: train, needs: [${needs(stage)}] }`,
  );
  const started = performance.now();
  expect(problems(`name: x\nstages:\n${stages.join('\n')}\n`).length).toBeGreaterThan(12_000);
  expect(performance.now() - started).toBeLessThan(30_000); // Two seconds on a free core; minutes before suggestions were bounded.
}, 60_000);
