import { describe, expect, test } from 'vitest';
import type { Split } from '../../../contract/features.ts';
import { partedGroups, type SplitPlot, splitPlots } from './splitPlots.ts';

function plots(count: number, describe: (index: number) => Partial<SplitPlot>): SplitPlot[] {
  return Array.from({ length: count }, (_, i) => ({
    plot: `p${i}`,
    group: `p${i}`,
    target: 0,
    given: 'train',
    ...describe(i),
  }));
}

function countBy(split: ReadonlyMap<string, Split>, list: readonly SplitPlot[], target: number): Record<Split, number> {
  const counts = { train: 0, validation: 0, test: 0 };
  for (const plot of list) if (plot.target === target) counts[split.get(plot.plot) as Split]++;
  return counts;
}

describe('the validation plots', () => {
  test('are the share asked for of every level', () => {
    const list = plots(120, (i) => ({ target: (i % 4) * 100 }));
    const split = splitPlots(list, { test: undefined, validation: 0.2, seed: 1 });
    for (const level of [0, 100, 200, 300])
      expect(countBy(split, list, level)).toEqual({ train: 24, validation: 6, test: 0 });
  });

  test('span a continuous target', () => {
    const list = plots(200, (i) => ({ target: i ** 1.5 }));
    const split = splitPlots(list, { test: undefined, validation: 0.2, seed: 3 });
    const places = list.flatMap((plot, i) => (split.get(plot.plot) === 'validation' ? [i] : []));
    expect(places).toHaveLength(40);
    for (const fifth of [0, 1, 2, 3, 4]) expect(places.filter((i) => Math.floor(i / 40) === fifth)).toHaveLength(8);
  });

  test('never come from the test plots, and are not drawn where the source gives them', () => {
    const list = plots(50, (i) => ({ given: i < 10 ? 'test' : i < 15 ? 'validation' : 'train' }));
    const split = splitPlots(list, { test: undefined, validation: 0.5, seed: 3 });
    for (const { plot, given } of list) expect(split.get(plot)).toBe(given);
  });

  test('are none at share 0, and never all plots', () => {
    expect(
      new Set(
        splitPlots(
          plots(9, () => ({})),
          { test: undefined, validation: 0, seed: 1 },
        ).values(),
      ),
    ).toEqual(new Set(['train']));
    const two = [
      ...splitPlots(
        plots(2, () => ({})),
        { test: undefined, validation: 0.9, seed: 1 },
      ).values(),
    ].sort();
    expect(two).toEqual(['train', 'validation']);
  });
});

describe('any drawn split', () => {
  const list = plots(600, (i) => ({
    group: `place${i % 97}`,
    target: (i % 97) * 1.7 + (i % 5) * 0.1,
    given: undefined,
  }));

  test('parts no group, and comes near the shares asked for', () => {
    for (let seed = 0; seed < 20; seed++) {
      const split = splitPlots(list, { test: 0.25, validation: 0.2, seed });
      const byGroup = new Map<string, Split>();
      for (const { plot, group } of list) {
        const own = split.get(plot) as Split;
        expect(byGroup.get(group) ?? own).toBe(own);
        byGroup.set(group, own);
      }
      const count = (name: Split): number => [...split.values()].filter((own) => own === name).length;
      // Groups have 6 or 7 plots.
      expect(Math.abs(count('test') - 150)).toBeLessThan(8);
      expect(Math.abs(count('validation') - 90)).toBeLessThan(12);
    }
  });

  test('depends on the seed, not on the order of the plots', () => {
    const sorted = (seed: number, from: readonly SplitPlot[]): string =>
      JSON.stringify([...splitPlots(from, { test: 0.25, validation: 0.2, seed })].sort());
    expect(sorted(5, [...list].reverse())).toBe(sorted(5, list));
    expect(sorted(6, list)).not.toBe(sorted(5, list));
  });
});

test('every plot of a group that the given split parts is told, with where the others are', () => {
  const list = plots(4, (i) => ({ group: i < 2 ? 'north' : 'south', given: i === 0 ? 'test' : 'train' }));
  expect(partedGroups(list)).toEqual([
    {
      kind: 'group-parted',
      plot: 'p0',
      place: 'p0',
      what: 'is a test plot; others of its group north are train plots',
    },
    {
      kind: 'group-parted',
      plot: 'p1',
      place: 'p1',
      what: 'is a train plot; others of its group north are test plots',
    },
  ]);
});

test('a source of test plots alone has nothing to train on', () => {
  expect(() =>
    splitPlots(
      plots(4, () => ({ given: 'test' })),
      { test: undefined, validation: 0.2, seed: 0 },
    ),
  ).toThrow(expect.objectContaining({ code: 'DATA_EMPTY' }));
});
