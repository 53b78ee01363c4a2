import { describe, expect, it } from 'vitest';
import { canonicalJson } from './json.ts';

describe('canonical JSON', () => {
  it('is one text for one value, however it was put together', () => {
    const one = canonicalJson({ b: [1, { y: 2, x: 1 }], a: 'ü', none: undefined });
    expect(one).toBe('{"a":"ü","b":[1,{"x":1,"y":2}]}');
    expect(canonicalJson({ a: 'ü', b: [1, { x: 1, y: 2 }] })).toBe(one);
  });

  it('sorts by code unit, whatever the language of the machine', () => {
    expect(canonicalJson({ ä: 1, z: 2, Z: 3, a: 4 })).toBe('{"Z":3,"a":4,"z":2,"ä":1}');
  });

  it('writes numbers as JavaScript does, minus zero as zero', () => {
    expect(canonicalJson([0.1, 1e21, -0, 1 / 3])).toBe('[0.1,1e+21,0,0.3333333333333333]');
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, () => {}, 1n, Symbol('x')])(
    'refuses what JSON cannot say',
    (value) => {
      expect(() => canonicalJson({ value })).toThrow(RangeError);
    },
  );

  it('reads back as what it was', () => {
    const value = { nested: [{ text: 'a "quote" \n', flag: false, none: null }], count: 3 };
    expect(JSON.parse(canonicalJson(value))).toEqual(value);
  });
});
