// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is what this file is about
import { expect, test } from 'vitest';
import { formatProblem } from './problem.ts';
import { largestFile, readYaml } from './readYaml.ts';
import { placeOf, toJson } from './tree.ts';

function value(text: string) {
  const { root, problems } = readYaml(text, 'p.yaml');
  if (!root || problems.length > 0) throw new Error(problems.map(formatProblem).join('\n'));
  return toJson(root);
}

function lines(text: string): string[] {
  return readYaml(text, 'p.yaml').problems.map(formatProblem);
}

test('YAML 1.2: yes and no are words, anchors, aliases and merge keys work', () => {
  expect(value('a: yes\nb: 0o17\nc: 1:30\n')).toEqual({ a: 'yes', b: 15, c: '1:30' });
  const text = 'base: &base { lr: 1, epochs: 2 }\na: { <<: *base, lr: 3 }\nb: *base\nc: { <<: [{ lr: 5 }, *base] }\n';
  expect(value(text)).toMatchObject({ a: { lr: 3, epochs: 2 }, b: { lr: 1, epochs: 2 }, c: { lr: 5, epochs: 2 } });
});

test('an alias means the latest anchor before it', () => {
  expect(value('a: &x 1\nb: *x\nc: &x 2\nd: *x\n')).toEqual({ a: 1, b: 1, c: 2, d: 2 });
  expect(lines('a: *x\nb: &x 1\n')).toEqual(['p.yaml:1:4 a: Unknown anchor `x`']);
});

test('keys and values know their places', () => {
  const { root } = readYaml('a:\n  b: [1, 22]\n', 'p.yaml');
  if (!root) throw new Error('not read');
  expect(placeOf(root, ['a', 'b', 1], 'value')).toMatchObject({ line: 2, column: 10 });
  expect(placeOf(root, ['a', 'b'], 'key')).toMatchObject({ line: 2, column: 3 });
  expect(placeOf(root, ['a', 'x', 'y'], 'value')).toMatchObject({ line: 1, column: 1 });
});

test('faults of syntax have a place', () => {
  expect(lines('a: 1\na: 2\n')).toEqual(['p.yaml:2:1 a: The key `a` stands here twice']);
  expect(lines('a:\n\t- b\n')).toEqual(['p.yaml:2:1: Tabs are not allowed as indentation']);
  expect(lines('a: !!python/object x\n')[0]).toContain('p.yaml:1:4: Unresolved tag');
  expect(lines('%YAML 1.1\n---\na: yes\n')[0]).toContain('Expected YAML 1.2');
  expect(lines('a: 1\n---\nb: 2\n')[0]).toMatch(/^p\.yaml:2:1: /);
  expect(lines('a: .inf\n')).toEqual(['p.yaml:1:4 a: Expected a finite number, got `Infinity`']);
  expect(lines('? [a]\n: 1\n')).toEqual(['p.yaml:1:3: Expected a name as the key']);
  for (const empty of ['', '# nothing\n', '---\n']) expect(lines(empty)).toEqual(['p.yaml:1:1: The file is empty']);
});

test('an alias bomb, a snake that eats its tail, endless nesting and huge files end soon', () => {
  const bomb = ['a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]'];
  for (let level = 1; level < 12; level++) bomb.push(`a${level}: &a${level} [${`*a${level - 1}, `.repeat(10)}]`);
  expect(lines(bomb.join('\n'))[0]).toContain('expands to more than 100000 values');
  expect(lines('a: &a [*a, *a]\n')[0]).toContain('levels deep');
  expect(lines('a: &a { <<: *a }\n')).toHaveLength(1);
  for (const deep of ['[', '{a: ', '- ', '? ']) {
    expect(lines(`a: 1\n${deep.repeat(200_000)}`)).toEqual([
      `p.yaml:2:${100 * deep.length + 1}: The file is nested more than 100 levels deep`,
    ]);
  }
  const stairs = Array.from({ length: 1400 }, (_, level) => `${' '.repeat(level)}a:`).join('\n');
  expect(lines(stairs)[0]).toContain('levels deep');
  expect(lines(`{ ${'a: 1, '.repeat(150)} }`)).toHaveLength(149);
  expect(lines('a'.repeat(largestFile + 1))[0]).toContain('The file is too large');
  const keys = Array.from({ length: 90_000 }, (_, index) => `k${index}: 1`).join('\n');
  expect(Object.keys(value(keys) as object)).toHaveLength(90_000);
}, 60_000);

test('an unquoted ${…} may stand between braces, with commas and brackets in it', () => {
  expect(value('a: { b: ${B:-[1,2]}, c: "${C}", d: [${D}, x] }')).toEqual({
    a: { b: '${B:-[1,2]}', c: '${C}', d: ['${D}', 'x'] },
  });
  expect(lines('a: { b: ${B:-1}, b: 2 }')).toEqual(['p.yaml:1:18 a.b: The key `b` stands here twice']);
});
