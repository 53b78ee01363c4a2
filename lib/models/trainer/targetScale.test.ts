import { describe, expect, it } from 'vitest';
import { inTargetUnit, scaleTensors, storedScale, targetScale } from './targetScale.ts';

const targets = [0, 100, 200, 300];

describe("a target's scale", () => {
  it('brings targets to mean 0 and deviation 1, or leaves them in their unit', () => {
    const scale = targetScale(targets, { standardize: true, clip: false });
    expect(scale).toEqual({ mean: 150, std: Math.fround(Math.sqrt(12_500)) });
    expect(inTargetUnit(2, scale)).toBeCloseTo(150 + 2 * Math.sqrt(12_500), 3);
    expect(targetScale(targets, { standardize: false, clip: false })).toEqual({ mean: 0, std: 1 });
  });

  it('clips predictions to the range of the targets, where it is told to', () => {
    const scale = targetScale(targets, { standardize: true, clip: true });
    expect([-9, -0.5, 9].map((standard) => inTargetUnit(standard, scale))).toEqual([0, expect.closeTo(94.1, 1), 300]);
  });

  it.each([true, false])('is read back from the tensors of a model as it was (clipping: %s)', (clip) => {
    const scale = targetScale([0.1, 0.7, 1 / 3], { standardize: true, clip });
    const stored = new Map(scaleTensors(scale).map(({ name, values }) => [name, values[0]]));
    expect(storedScale((name) => stored.get(name))).toEqual(scale);
    expect(storedScale(() => undefined)).toBeUndefined();
  });
});
