import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Tensor1D } from '@tensorflow/tfjs-node';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Network } from '../networks/network.ts';
import { loadTensorflow, type Tf } from '../tensorflow.ts';
import { buildProgram } from '../testing/buildProgram.ts';
import { toyBatch, toyInput, toyNetwork, toyOptimizers, trainToy } from '../testing/toyTraining.ts';
import { averagingShare } from './average.ts';
import { lossFor } from './loss.ts';
import { Variables, type VariablesOptions } from './variables.ts';

let tf: Tf;
beforeAll(async () => {
  tf = await loadTensorflow();
});

const network = toyNetwork();
const limits = { clipNorm: 0.2, averaging: 0.8 };

function made(options: Partial<VariablesOptions> = {}): Variables {
  return new Variables({
    tf,
    plan: network.plan(toyInput),
    optimizer: toyOptimizers.sgd,
    seed: 3,
    member: 0,
    ...options,
  });
}

const train = (variables: Variables, from: number, to: number) => trainToy(tf, network, variables, from, to);
const counted = () => [tf.memory().numTensors, tf.memory().numBytes];

describe.each(Object.entries(toyOptimizers))('a training by %s', (_, optimizer) => {
  it('stopped at any step and gone on from its snapshot, ends bit for bit where it would have', () => {
    const whole = made({ optimizer, ...limits });
    const results = train(whole, 0, 6);
    const expected = whole.snapshot('all');
    for (const stop of [0, 1, 3, 5]) {
      const first = made({ optimizer, ...limits });
      train(first, 0, stop);
      const stored = first.snapshot('all');
      const kept = structuredClone(stored);
      first.dispose();
      const rest = made({ optimizer, ...limits, stored });
      expect(train(rest, stop, 6)).toEqual(results.slice(stop));
      expect(rest.snapshot('all')).toEqual(expected);
      // What was handed in is not what is updated in place.
      expect(stored).toEqual(kept);
      rest.dispose();
    }
    whole.dispose();
  });

  it('holds as many tensors and bytes after fifty steps as before, and none in the end', () => {
    const before = counted();
    const variables = made({ optimizer, ...limits });
    const during = counted();
    train(variables, 0, 50);
    expect(variables.areFinite()).toBe(true);
    variables.snapshot('all');
    expect(counted()).toEqual(during);
    variables.dispose();
    expect(counted()).toEqual(before);
  });
});

describe('a step', () => {
  it('gives loss and predictions by the weights before it', () => {
    const [untrained, variables] = [made(), made()];
    const { x, targets } = toyBatch(tf, 0);
    // Prediction neither drops out nor takes away the batch's mean.
    const still: Network = { ...network, forward: (pass) => network.forward({ tf, x: pass.x, weight: pass.weight }) };
    const { loss, predicted } = variables.step(still, x, targets, { step: 0, rate: 1, loss: lossFor('mae') });
    expect(predicted).toEqual(untrained.predict(network, x));
    const errors = [...targets.dataSync()].map((target, index) => Math.abs(target - (predicted[index] as number)));
    expect(loss).toBeCloseTo(errors.reduce((sum, error) => sum + error, 0) / errors.length, 6);
    tf.dispose([x, targets]);
    for (const each of [untrained, variables]) each.dispose();
  });

  it('with a `clipNorm` gives the length of the gradients, and goes no further than that', () => {
    const free = made();
    const clipped = made({ clipNorm: 0.01 });
    const start = free.snapshot('weights');
    const length = (to: Variables) =>
      Math.hypot(
        ...to.snapshot('weights').flatMap(({ name, values }, index) =>
          // `out/kernel` learns at half the rate; `mean` is no weight that learns.
          name === 'weights/mean'
            ? []
            : [...values].map((value, at) => {
                const moved = value - (start[index]?.values[at] as number);
                return name === 'weights/out/kernel' ? 2 * moved : moved;
              }),
        ),
      );
    expect(train(free, 0, 1)[0]).not.toHaveProperty('gradientNorm');
    const [result] = train(clipped, 0, 1);
    expect(result?.gradientNorm).toBeCloseTo(length(free) / 0.1, 4);
    expect(length(clipped)).toBeCloseTo(0.1 * 0.01, 6);
    for (const each of [free, clipped]) each.dispose();
  });

  it('fails when the prediction does not depend on a weight, and leaves nothing behind', () => {
    const variables = made();
    const { x, targets } = toyBatch(tf, 0);
    const before = counted();
    const unused: Network = { ...network, forward: ({ weight }) => weight('in/bias').slice(0, 6) as Tensor1D };
    const options = { step: 0, rate: 1, loss: lossFor('mae') };
    expect(() => variables.step(unused, x, targets, options)).toThrow('does not depend on in/kernel');
    expect(counted()).toEqual(before);
    tf.dispose([x, targets]);
    variables.dispose();
  });
});

describe('averaging', () => {
  it('keeps moving averages of weights and moving statistics, which predict', () => {
    const plain = made();
    const averaged = made({ averaging: 0.5 });
    const expected = plain.snapshot('weights').map(({ values }) => [...values]);
    for (let step = 0; step < 12; step++) {
      train(plain, step, step + 1);
      train(averaged, step, step + 1);
      const kept = averagingShare(0.5, step);
      for (const [index, { values }] of plain.snapshot('weights').entries()) {
        const average = expected[index] as number[];
        for (const [at, value] of values.entries()) average[at] = kept * (average[at] as number) + (1 - kept) * value;
      }
    }
    const actual = averaged.snapshot('weights');
    expect(actual.map(({ name }) => name)).toEqual(plain.snapshot('weights').map(({ name }) => name));
    for (const [index, { values }] of actual.entries()) {
      for (const [at, value] of values.entries()) expect(value).toBeCloseTo(expected[index]?.[at] as number, 6);
    }
    const byAverage = made({ stored: actual });
    const { x, targets } = toyBatch(tf, 99);
    expect(averaged.predict(network, x)).toEqual(byAverage.predict(network, x));
    expect(averaged.predict(network, x)).not.toEqual(plain.predict(network, x));
    tf.dispose([x, targets]);
    for (const each of [plain, averaged, byAverage]) each.dispose();
  });

  it('keeps less at first', () => {
    expect([0, 1, 8, 10_000].map((step) => averagingShare(0.99, step))).toEqual([1 / 10, 2 / 11, 9 / 18, 0.99]);
  });
});

describe('a snapshot', () => {
  it('holds all that training goes on from, or the weights alone in the order of the plan', () => {
    const variables = made({ optimizer: toyOptimizers.adam, averaging: 0.9 });
    const names = variables.snapshot('all').map(({ name }) => name);
    expect(names).toHaveLength(4 + 3 * 2 + 4);
    expect(names).toEqual(
      expect.arrayContaining(['weights/mean', 'slots/m/in/bias', 'slots/v/in/bias', 'average/mean']),
    );
    expect(variables.snapshot('weights')).toMatchObject([
      { name: 'weights/in/kernel', shape: [12, 8] },
      { name: 'weights/in/bias', shape: [8] },
      { name: 'weights/mean', shape: [8] },
      { name: 'weights/out/kernel', shape: [8, 1] },
    ]);
    variables.dispose();
  });
});

describe('members of an ensemble', () => {
  it('start from other weights, and drop out otherwise', () => {
    const [first, second] = [made({ member: 0 }), made({ member: 1 })];
    const stored = first.snapshot('all');
    expect(second.snapshot('all')).not.toEqual(stored);
    const third = made({ member: 1, stored });
    expect(train(third, 0, 1)).not.toEqual(train(first, 0, 1));
    for (const each of [first, second, third]) each.dispose();
  });
});

describe('areFinite', () => {
  const stored = (value: number) => [
    { name: 'slots/velocity/in/bias', shape: [8], values: new Float32Array(8).fill(value) },
  ];

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('says no of %d anywhere', (value) => {
    const values = new Float32Array(8);
    values[7] = value;
    const variables = made({ optimizer: toyOptimizers.momentum, stored: [{ ...stored(0)[0], values } as never] });
    expect(variables.areFinite()).toBe(false);
    variables.dispose();
  });

  it('says yes of numbers whose squares are too large for one', () => {
    const variables = made({ optimizer: toyOptimizers.momentum, stored: stored(3e38) });
    expect(variables.areFinite()).toBe(true);
    variables.dispose();
  });
});

describe('two processes with two threads each', () => {
  it('train to the same bits', async () => {
    const program = await buildProgram('lib/models/testing/toyDigest.ts');
    const env = { ...process.env, TF_NUM_INTRAOP_THREADS: '2' };
    const run = async () => (await promisify(execFile)(process.execPath, [program], { env })).stdout;
    const [one, other] = [await run(), await run()];
    expect(one).toMatch(/^[0-9a-f]{64}\n$/);
    expect(other).toBe(one);
  });
});
