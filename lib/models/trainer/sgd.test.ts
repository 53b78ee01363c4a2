import { beforeAll, describe, expect, it } from 'vitest';
import { loadTensorflow, type Tf } from '../tensorflow.ts';
import { sgd } from './sgd.ts';

let tf: Tf;
beforeAll(async () => {
  tf = await loadTensorflow();
});

describe('sgd', () => {
  const update = (slots: Record<string, number>) => ({
    weight: tf.scalar(1),
    gradient: tf.scalar(2),
    slots: Object.fromEntries(Object.entries(slots).map(([name, value]) => [name, tf.scalar(value)])),
    rate: 0.5,
    step: 0,
  });

  it("goes against the gradient by learning rate and the weight's own rate", () => {
    const { weight } = sgd({ lr: 0.1, momentum: 0 }).update(tf, update({}));
    expect(weight.dataSync()[0]).toBeCloseTo(1 - 0.1 * 0.5 * 2, 6);
  });

  it('with momentum goes by velocity: m * v + gradient', () => {
    const { weight, slots } = sgd({ lr: 0.1, momentum: 0.9 }).update(tf, update({ velocity: 3 }));
    expect(slots.velocity?.dataSync()[0]).toBeCloseTo(0.9 * 3 + 2, 6);
    expect(weight.dataSync()[0]).toBeCloseTo(1 - 0.1 * 0.5 * 4.7, 6);
  });
});
