import { describe, expect, it } from 'vitest';
import { cycleAt } from './cycles.ts';

describe('learning-rate cycles', () => {
  it.each([
    [10, 1],
    [10, 3],
    [7, 7],
    [100, 6],
  ])('cut %i epochs into %i parts without gap or overlap, nearly equal', (epochs, snapshots) => {
    const cycles = Array.from({ length: epochs }, (_, epoch) => cycleAt(epoch, { epochs, snapshots }));
    for (const [epoch, { from, to }] of cycles.entries()) {
      expect(from).toBeLessThanOrEqual(epoch);
      expect(epoch).toBeLessThan(to);
    }
    const starts = [...new Set(cycles.map(({ from }) => from))];
    expect(starts).toHaveLength(snapshots);
    const lengths = starts.map((from) => (cycles[from] as { to: number }).to - from);
    expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThanOrEqual(1);
  });
});
