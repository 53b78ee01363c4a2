// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is what this file is about
import { expect, test } from 'vitest';
import type { Json } from '../../contract/json.ts';
import { parsePipeline } from './parsePipeline.ts';
import { exampleContracts as contracts, nitrogen } from './testing/exampleContracts.ts';

/** Whatever is done to a file, it is either a pipeline or a list of problems with places inside the file. */
function check(text: string, set: Readonly<Record<string, Json>> = {}): 'ok' | 'problems' {
  const outcome = parsePipeline({ text, file: 'p.yaml', contracts, set });
  if (outcome.ok) {
    const names = outcome.pipeline.stages.map((stage) => stage.name);
    for (const stage of outcome.pipeline.stages) {
      for (const need of stage.needs) expect(names.indexOf(need)).toBeLessThan(names.indexOf(stage.name));
      expect(Object.values(stage.inputs).flat().toSorted()).toEqual(stage.needs.toSorted());
    }
    expect(JSON.parse(JSON.stringify(outcome.pipeline))).toEqual(outcome.pipeline);
    return 'ok';
  }
  const lines = text.split('\n');
  expect(outcome.problems.length).toBeGreaterThan(0);
  let last = { line: 0, column: 0 };
  for (const problem of outcome.problems) {
    expect(problem.message).not.toMatch(/Invalid input|undefined|\[object/);
    expect(problem.message.length).toBeLessThan(500);
    if (problem.file === '--set') continue;
    expect(problem.line).toBeGreaterThanOrEqual(1);
    expect(problem.line).toBeLessThanOrEqual(lines.length);
    expect(problem.column).toBeGreaterThanOrEqual(1);
    expect(problem.column).toBeLessThanOrEqual((lines[problem.line - 1]?.length ?? 0) + 1);
    expect(problem.line > last.line || (problem.line === last.line && problem.column >= last.column)).toBe(true);
    last = problem;
  }
  return 'problems';
}

/** Milliseconds: some thousand parses, on machines that do other things as well. */
const slow = 120_000;

const words = [...nitrogen.matchAll(/[A-Za-z0-9_.]+|[[\]{}:,"]/g)];
const replacements = [
  '',
  'x',
  '-1',
  '1.5',
  'null',
  'true',
  '[]',
  '{}',
  '[[1]]',
  '{ a: { b: 1 } }',
  '"',
  '__proto__',
  'constructor',
  '${X}',
  '"${secret:A}"',
  '*a',
  '&a',
  '!!set',
  '.nan',
  '1e999',
  '? ',
  '- ',
  '| ',
  '\n',
  '\t',
  '<<',
  '#',
];

test(
  'every word replaced by many things',
  () => {
    const counts = { ok: 0, problems: 0 };
    for (const [index, word] of words.entries()) {
      // A ninth of all pairs, every word and every replacement among them: all of them take ten seconds and find no more.
      for (const replacement of replacements.filter((_, other) => (index + other) % 9 === 0)) {
        counts[check(nitrogen.slice(0, word.index) + replacement + nitrogen.slice(word.index + word[0].length))]++;
      }
    }
    expect(counts.problems).toBeGreaterThan(counts.ok);
  },
  slow,
);

test(
  'every line dropped, doubled, indented and cut',
  () => {
    const lines = nitrogen.split('\n');
    for (const [index, line] of lines.entries()) {
      for (const changed of [[], [line, line], [`  ${line}`], [line.slice(0, line.length / 2)]]) {
        check(lines.toSpliced(index, 1, ...changed).join('\n'));
      }
    }
  },
  slow,
);

test(
  'the file cut anywhere',
  () => {
    for (let end = 0; end < nitrogen.length; end += 3) check(nitrogen.slice(0, end));
  },
  slow,
);

test(
  'every path set to everything',
  () => {
    const values: Json[] = [
      null,
      -1,
      1.5,
      'x',
      '',
      true,
      [],
      {},
      [[1]],
      { a: { b: 1 } },
      JSON.parse('{"__proto__": {"a": 1}}'),
    ];
    const paths = [
      'name',
      'seed',
      'store',
      'stages',
      'stages.data',
      'stages.data.uses',
      'stages.vit.needs',
      'stages.vit.needs.0',
      'stages.vit.with',
      'stages.vit.timeout',
      'vit.model',
      'vit.patch',
      'vit.patch.9',
      'convnet.optimizer',
      'convnet.optimizer.sgd.lr',
      'convnet.epochs.x',
      'features.bands',
      'features.size.0',
      'x',
      '',
      '.',
      'a.b.c',
      'constructor.x',
      'stages.constructor.uses',
      'x.'.repeat(100_000),
    ];
    for (const path of paths) for (const value of values) check(nitrogen, { [path]: value });
    expect(check(nitrogen, { 'vit.__proto__': 1 })).toBe('problems');
    expect(check(nitrogen, { 'stages.vit.with': JSON.parse('{"model": "ridge", "__proto__": {"a": 1}}') })).toBe(
      'problems',
    );
  },
  slow,
);
