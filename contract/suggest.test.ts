import { expect, test } from 'vitest';
import { suggest } from './suggest.ts';

test('a slip of the hand is recognised: a letter too few, too many, swapped or wrong', () => {
  for (const slip of ['epoch', 'epochss', 'epohcs', 'epocjs', 'Epochs']) {
    expect(suggest(slip, ['batchSize', 'epochs', 'patience'])).toBe('epochs');
  }
});

test('names that differ in the way words are joined are one name', () => {
  expect(suggest('batch_size', ['batchSize', 'epochs'])).toBe('batchSize');
  expect(suggest('red-edge', ['red_edge', 'red'])).toBe('red_edge');
});

test('another word is not taken for a slip', () => {
  expect(suggest('tracking', ['name', 'seed', 'stages', 'store'])).toBeUndefined();
  expect(suggest('a', ['b'])).toBeUndefined();
  expect(suggest('epochs', [])).toBeUndefined();
});

test('the suggest wins', () => {
  expect(suggest('convnet3d', ['convnet1', 'convnet2d', 'vit'])).toBe('convnet2d');
});

test('a very long word costs nothing', () => {
  expect(suggest('x'.repeat(1_000_000), ['x'.repeat(999_999)])).toBeUndefined();
});
