import { beforeAll, describe, expect, it } from 'vitest';
import { loadTensorflow, type Tf } from '../tensorflow.ts';
import { ResourceVariable } from './resourceVariable.ts';

let tf: Tf;
beforeAll(async () => {
  tf = await loadTensorflow();
});

/** One less of each. */
function change(variable: ResourceVariable): void {
  tf.tidy(() => variable.apply('ResourceApplyGradientDescent', [], [tf.scalar(1), tf.ones([...variable.shape])]));
}

describe('a resource variable', () => {
  it('is changed in place, but neither a tensor that was read before nor one that was assigned is', () => {
    const variable = new ResourceVariable(tf, [3], Float32Array.of(1, 2, 3));
    const before = variable.read();
    change(variable);
    expect([...before.dataSync()]).toEqual([1, 2, 3]);
    expect([...variable.values()]).toEqual([0, 1, 2]);
    const assigned = tf.tidy(() => tf.tensor1d([7, 8, 9]).add(1));
    variable.assign(assigned);
    change(variable);
    expect([...assigned.dataSync()]).toEqual([8, 9, 10]);
    expect([...variable.values()]).toEqual([7, 8, 9]);
    tf.dispose([before, assigned]);
    variable.dispose();
  });

  it.each([1, 16, 1000, 1_000_000])('of %i numbers leaves those alone that it was made from', (length) => {
    const values = new Float32Array(length).fill(5);
    const variable = new ResourceVariable(tf, [length], values);
    change(variable);
    expect(variable.values().every((value) => value === 4)).toBe(true);
    expect(values.every((value) => value === 5)).toBe(true);
    variable.dispose();
  });

  it('outlives the scope that it was made in', () => {
    let variable: ResourceVariable | undefined;
    tf.tidy(() => {
      variable = new ResourceVariable(tf, [], Float32Array.of(2));
    });
    expect([...(variable?.values() ?? [])]).toEqual([2]);
    variable?.dispose();
  });

  it('gives its memory back: disposed as often as made, the process does not grow', () => {
    const megabytes = 32;
    const values = new Float32Array(megabytes * 2 ** 18);
    const sizes: number[] = [];
    for (let round = 0; round < 12; round++) {
      const variable = new ResourceVariable(tf, [values.length], values);
      change(variable);
      variable.dispose();
      variable.dispose();
      sizes.push(process.memoryUsage.rss());
    }
    // Without giving back, eight rounds take 256 MB.
    expect(((sizes.at(-1) as number) - (sizes[3] as number)) / 2 ** 20).toBeLessThan(150);
  });
});
