import { describe, expect, it } from 'vitest';
import { scheduledRate } from './schedule.ts';

const rates = (schedule: 'constant' | 'cosine', warmupSteps: number, steps: number) =>
  Array.from({ length: steps }, (_, step) => scheduledRate({ schedule, warmupSteps }, { step, steps }));

describe('scheduledRate', () => {
  it('stays at 1 when constant', () => {
    expect(rates('constant', 0, 3)).toEqual([1, 1, 1]);
  });

  it('falls as a cosine from 1 over a half to nearly 0', () => {
    const cosine = rates('cosine', 0, 10);
    expect(cosine[0]).toBe(1);
    expect(cosine[5]).toBeCloseTo(0.5);
    expect(cosine[9]).toBeCloseTo(0.0245, 3);
  });

  it('rises in a line first, to 1 once, and then goes on as scheduled', () => {
    expect(rates('constant', 4, 6)).toEqual([0.25, 0.5, 0.75, 1, 1, 1]);
    const cosine = rates('cosine', 4, 13);
    expect(cosine.slice(0, 4)).toEqual([0.25, 0.5, 0.75, 1]);
    expect(cosine.slice(3)).toEqual(rates('cosine', 0, 10));
  });

  it('takes a warm-up that ends within a step', () => {
    expect(rates('constant', 2.5, 4)).toEqual([0.4, 0.8, 1, 1]);
    expect(rates('cosine', 2.5, 6)[2]).toBe(1);
    expect(rates('cosine', 0.5, 6)).toEqual(rates('cosine', 0, 6));
  });
});
