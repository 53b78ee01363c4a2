// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is what this file is about
import { expect, test } from 'vitest';
import { looksSecret } from '../../contract/redact.ts';
import { interpolate } from './interpolate.ts';
import { formatProblem } from './problem.ts';
import { readYaml } from './readYaml.ts';
import { toJson } from './tree.ts';

function resolved(text: string, env: Record<string, string> = {}) {
  const { root, problems } = readYaml(text, 'p.yaml');
  if (!root) throw new Error(problems.map(formatProblem).join());
  const outcome = interpolate(root, env);
  return { value: toJson(outcome.root), lines: outcome.problems.map(formatProblem) };
}

test('a whole unquoted ${…} is typed like the scalar that it becomes, a quoted one stays text', () => {
  const text = 'a: ${N:-20}\nb: "${N:-20}"\nc: ${N:-20}x\nd: ${T:-true}\ne: ${F:-1e-3}\nf: ${E:-}\ng: ${Z:-null}\n';
  expect(resolved(text).value).toEqual({ a: 20, b: '20', c: '20x', d: true, e: 0.001, f: '', g: null });
  expect(resolved('a: ${N:-20}\n', { N: '7' }).value).toEqual({ a: 7 });
});

test('a default also stands in for what is set but empty', () => {
  expect(resolved('a: "${N:-x}${M}"\n', { N: '', M: '' }).value).toEqual({ a: 'x' });
});

test('what is replaced is not looked at again', () => {
  expect(resolved('a: ${A}\n', { A: '${B}', B: 'no' }).value).toEqual({ a: '${B}' });
});

test('$${ stands for ${', () => {
  expect(resolved('a: "$${A} costs $5 ${B}"\n', { B: 'b' }).value).toEqual({ a: '${A} costs $5 b' });
});

test('a variable that is not set is a problem, with the nearest that is', () => {
  expect(resolved('a: x\nb: ${EPOCH}\n', { EPOCHS: '3' }).lines).toEqual([
    'p.yaml:2:4 b: The environment has no `EPOCH` (expected it to be set, or a default: `${EPOCH:-…}`; did you mean `EPOCHS`?)',
  ]);
  expect(resolved('b: ${constructor}\n').lines).toHaveLength(1);
});

test('names that look like secrets are refused, set or not, with a default or not', () => {
  const names = [
    'WANDB_API_KEY',
    'apikey',
    'GITHUB_TOKEN',
    'DB_PASSWORD',
    'db_pass',
    'AWS_SECRET',
    'GOOGLE_APPLICATION_CREDENTIALS',
  ];
  for (const name of names) {
    for (const form of [`\${${name}}`, `\${${name}:-x}`]) {
      const outcome = resolved(`stages: { a: { with: { p: ${form} } } }\n`, { [name]: 'hunter2' });
      expect(outcome.lines).toEqual([expect.stringContaining(`expected \`\${secret:${name}}\``)]);
      expect(JSON.stringify(outcome)).not.toContain('hunter2');
    }
  }
  for (const name of ['EPOCHS', 'BATCH_SIZE', 'HOME', 'PATIENCE', 'COMPASS', 'AUTHOR', 'PATCH'])
    expect(looksSecret(name)).toBe(false);
});

test('a secret reference stays as it is, and only in the parameters of a stage', () => {
  const text = 'stages: { a: { with: { p: "${secret:API_KEY}", q: { r: "Bearer ${secret:T} ${N}" } } } }\n';
  expect(resolved(text, { N: 'n', API_KEY: 'hunter2' })).toEqual({
    value: { stages: { a: { with: { p: '${secret:API_KEY}', q: { r: 'Bearer ${secret:T} n' } } } } },
    lines: [],
  });
  expect(resolved('store: "${secret:A}"\n').lines[0]).toContain(
    'store: The secret `${secret:A}` stands where none may',
  );
  expect(resolved('stages: { a: { queue: "${secret:A}" } }\n').lines).toHaveLength(1);
});

test('no text can become a secret reference on the way', () => {
  const inWith = (value: string) => `stages: { a: { with: { p: '${value}' } } }\n`;
  expect(resolved(inWith('$${secret:A}')).lines[0]).toContain('cannot be escaped');
  expect(resolved(inWith('${A}'), { A: '${secret:B}' }).lines[0]).toContain('refers to a secret');
  expect(resolved(inWith('${A:-${secret:B}}')).lines[0]).toContain('Unknown form');
  expect(resolved(inWith('$${A}{secret:B}')).value).toMatchObject({ stages: { a: { with: { p: '${A}{secret:B}' } } } });
  expect(resolved(inWith('$${D:-$}{secret:B}')).value).toMatchObject({
    stages: { a: { with: { p: '${D:-$}{secret:B}' } } },
  });
  expect(resolved(inWith('${D}{secret:B}'), { D: '$' }).lines).toHaveLength(1);
});

test('unknown forms are problems', () => {
  for (const form of ['${}', '${1A}', '${A-b}', '${A', '${secret:}', '${secret:A:-x}', '${A:?x}']) {
    expect(resolved(`stages:\n  a:\n    with:\n      p: '${form}'\n`, { A: 'a' }).lines).toHaveLength(1);
  }
});
