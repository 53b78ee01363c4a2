import { expect, test } from 'vitest';
import { parseSet } from './overrides.ts';

test('values behind --set are YAML', () => {
  const set = parseSet([
    'a.b=3',
    "c='3'",
    'd=[green, nir]',
    'e={ sgd: { lr: 1e-3 } }',
    'f=a=b',
    'g=',
    'h=true',
    'i=plots?train=1&x=[2]',
  ]);
  expect(set).toEqual({
    'a.b': 3,
    c: '3',
    d: ['green', 'nir'],
    e: { sgd: { lr: 0.001 } },
    f: 'a=b',
    g: null,
    h: true,
    i: 'plots?train=1&x=[2]',
  });
});

test('the last of two values for one path counts', () => {
  expect(parseSet(['a=1', 'a=2'])).toEqual({ a: 2 });
});

test('an argument that cannot be read is refused', () => {
  for (const argument of ['epochs', '=3', 'a=[1', 'a=*x', 'a={ __proto__: 1 }', `a=${'['.repeat(100_000)}`]) {
    expect(() => parseSet([argument])).toThrowError(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  }
});
