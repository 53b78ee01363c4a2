import { describe, expect, it } from 'vitest';
import { largestRelativeDifference, median, ratioByRounds, spread } from './statistics.ts';

describe('statistics of a bench', () => {
  it('takes the middle, and between two middle ones their mean', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([9, 1, 5, 7])).toBe(6);
    expect(median([])).toBeNaN();
  });

  it('gives the middle half as the spread, whatever one busy moment did', () => {
    expect(spread([5, 1, 2, 3, 4, 900, 6, 7])).toEqual({ median: 4.5, least: 3, most: 6, count: 8 });
    expect(spread([3])).toEqual({ median: 3, least: 3, most: 3, count: 1 });
  });

  it('compares two sides round by round, so that a machine that slows down for both changes nothing', () => {
    const ours = [
      [100, 100],
      [400, 400],
      [200, 200],
    ];
    const theirs = ours.map((round) => round.map((ms) => ms * 1.5));
    expect(ratioByRounds(ours, theirs)).toEqual({ median: 1.5, least: 1.5, most: 1.5, count: 3 });
  });

  it('finds the largest relative difference, of whatever sign', () => {
    expect(largestRelativeDifference([1, 2, -4], [1, 2.5, -4])).toBeCloseTo(0.2);
    expect(largestRelativeDifference([0, 0], [0, 0])).toBe(0);
    expect(() => largestRelativeDifference([1], [])).toThrow(/as many/);
  });
});
