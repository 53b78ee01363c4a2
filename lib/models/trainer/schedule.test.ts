import { describe, expect, it } from 'vitest';
import { scheduledRate } from './schedule.ts';

describe('scheduledRate', () => {
  it('stays at 1 when constant', () => {
    expect([0, 5, 9].map((step) => scheduledRate('constant', step, 10))).toEqual([1, 1, 1]);
  });

  it('falls as a cosine from 1 over a half to nearly 0', () => {
    expect(scheduledRate('cosine', 0, 10)).toBe(1);
    expect(scheduledRate('cosine', 5, 10)).toBeCloseTo(0.5);
    expect(scheduledRate('cosine', 9, 10)).toBeCloseTo(0.0245, 3);
  });
});
