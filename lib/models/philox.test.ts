import { describe, expect, it } from 'vitest';
import { philoxWords } from './philox.ts';

const hex = (words: Uint32Array) => [...words].map((word) => word.toString(16).padStart(8, '0')).join(' ');

describe('philoxWords', () => {
  // kat_vectors of Random123 1.14, philox4x32, 10 rounds.
  it.each([
    [[0, 0, 0, 0], [0, 0], '6627e8d5 e169c58d bc57ac4c 9b00dbd8'],
    [[0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff], [0xffffffff, 0xffffffff], '408f276d 41c83b0e a20bc7c6 6d5451fd'],
    [[0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0], 'd16cfe09 94fdcceb 5001e420 24126ea1'],
  ] as const)('gives the known answer for counter %j and key %j', (counter, key, answer) => {
    expect(hex(philoxWords(counter, key, 4))).toBe(answer);
  });

  it('counts up from block to block, and gives as many words as asked for', () => {
    const words = philoxWords([5, 1, 2, 3], [4, 5], 10);
    expect(words).toHaveLength(10);
    expect(words.slice(4, 8)).toEqual(philoxWords([6, 1, 2, 3], [4, 5], 4));
    expect(words.slice(8)).toEqual(philoxWords([7, 1, 2, 3], [4, 5], 2));
  });
});
