import { describe, expect, it } from 'vitest';
import { kindNames } from './kinds.ts';
import { planRuns } from './plan.ts';

const plan = (seed: number) => planRuns({ seed, runs: 20, kinds: kindNames });
const seeds = Array.from({ length: 20 }, (_, seed) => seed);

describe('the faults of 20 runs', () => {
  it('are of every kind, each as often as the others', () => {
    for (const seed of seeds) {
      const dealt = plan(seed).flatMap((faults) => faults.map(({ kind }) => kind));
      const counts = kindNames.map((name) => dealt.filter((kind) => kind === name).length);
      expect(Math.min(...counts)).toBeGreaterThanOrEqual(3);
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(2);
    }
  });

  it('come two to four a run, of different kinds', () => {
    const runs = seeds.flatMap(plan);
    expect(new Set(runs.map((faults) => faults.length))).toEqual(new Set([2, 3, 4]));
    for (const faults of runs) expect(new Set(faults.map(({ kind }) => kind)).size).toBe(faults.length);
  });

  it('are the same for the same seed, and others for another', () => {
    expect(plan(1)).toEqual(plan(1));
    expect(plan(1)).not.toEqual(plan(2));
  });

  it('of a run do not depend on how many runs there are', () => {
    expect(planRuns({ seed: 1, runs: 3, kinds: kindNames })).toEqual(plan(1).slice(0, 3));
  });

  it('jump both ways, by hours or days, and cut off for longer than the heartbeat timeout', () => {
    const faults = plan(1).flat();
    const jumps = faults.map(({ jump }) => jump);
    expect(Math.min(...jumps)).toBeLessThan(-24 * 3600);
    expect(Math.max(...jumps)).toBeGreaterThan(24 * 3600);
    expect(Math.min(...jumps.map(Math.abs))).toBeGreaterThanOrEqual(3600);
    for (const { kind, lasts } of faults) if (kind === 'cut-off') expect(lasts).toBeGreaterThanOrEqual(18);
  });
});

describe('the faults of a chosen kind', () => {
  it('come once a run', () => {
    for (const faults of planRuns({ seed: 1, runs: 5, kinds: ['hang'] }))
      expect(faults.map(({ kind }) => kind)).toEqual(['hang']);
  });
});
