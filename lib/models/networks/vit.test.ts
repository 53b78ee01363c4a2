import type { Tensor, Tensor4D } from '@tensorflow/tfjs-node';
import { beforeAll, describe, expect, it } from 'vitest';
import { type VitParams, vitParams } from '../../../contract/networks/vit.ts';
import { trainParams } from '../../../contract/stages/train.ts';
import { dropoutMasks } from '../kernels/dropout.ts';
import { layerNormEpsilon } from '../kernels/layerNorm.ts';
import { closeTo, expectSame, expectSlopes, leftBehind, noiseTensor } from '../kernels/testing.ts';
import { loadTensorflow, type Tf } from '../tensorflow.ts';
import { initialWeight } from './initialWeights.ts';
import type { ForwardPass } from './network.ts';
import { dropoutPlaces, vit } from './vit.ts';

let tf: Tf;
beforeAll(async () => {
  tf = await loadTensorflow();
});

const small = { model: 'vit', patch: [2, 3], width: 8, blocks: 2, heads: 2, mlp: 12, dropout: 0.25 };
const params = (set: Record<string, unknown> = {}): VitParams => vitParams.parse({ ...small, ...set });
const input = { height: 4, width: 9, channels: 2 };
const plots = 3;
const tokens = 7;
const pixels = () => noiseTensor(tf, [plots, 4, 9, 2], 1) as Tensor4D;
const noise = (index: number) => [index + 1, 77] as const;

type Weights = Readonly<Record<string, Tensor>>;

function weightsOf(of: VitParams): Weights {
  return Object.fromEntries(
    vit(of)
      .plan(input)
      // Off their initial zeros and ones, so that every gradient counts.
      .map(({ name, shape }, index) => [name, noiseTensor(tf, shape, 10 + index)]),
  );
}

function forward(of: VitParams, weights: Weights, training = true): Tensor {
  const pass: ForwardPass = {
    tf,
    x: pixels(),
    weight: <T extends Tensor>(name: string) => weights[name] as T,
    ...(training ? { training: { step: 0, assign: () => {}, noise } } : {}),
  };
  return vit(of).forward(pass);
}

/** The same network, of tfjs's own functions, a plot and a head at a time. */
function plain(
  { patch, width, blocks, heads, mlp, dropout: rate }: VitParams,
  weights: Weights,
  training = true,
): Tensor {
  const w = (name: string) => weights[name] as Tensor;
  const shapes = dropoutPlaces(blocks).map((place) => [plots * tokens, place === 'hidden' ? mlp : width]);
  const masks = dropoutMasks(tf, noise(0), rate, shapes);
  const drop = (x: Tensor, index: number) => (training ? x.mul(masks[index] as Tensor) : x);
  const norm = (x: Tensor, name: string) => {
    const { mean, variance } = tf.moments(x, -1, true);
    const normal = x.sub(mean).div(variance.add(layerNormEpsilon).sqrt());
    return normal.mul(w(`${name}/scale`)).add(w(`${name}/offset`));
  };
  const dense = (x: Tensor, name: string) => tf.matMul(x as never, w(`${name}/kernel`) as never).add(w(`${name}/bias`));
  const gelu = (x: Tensor) => x.mul(0.5).mul(tf.erf(x.div(Math.SQRT2)).add(1));
  const x = pixels();
  const rows = Array.from({ length: plots }, (_, plot) => {
    const cut = [];
    for (let top = 0; top < input.height; top += patch[0])
      for (let left = 0; left < input.width; left += patch[1])
        cut.push(x.slice([plot, top, left, 0], [1, patch[0], patch[1], 2]).reshape([1, -1]));
    const embedded = dense(tf.concat(cut, 0), 'embedding');
    return tf.concat([w('token').reshape([1, width]), embedded], 0).add(w('positions'));
  });
  let value: Tensor = drop(tf.concat(rows, 0), 0);
  const size = width / heads;
  for (let block = 0; block < blocks; block++) {
    const name = `block${block + 1}`;
    const projected = dense(norm(value, `${name}/norm1`), `${name}/attention`);
    const attended = Array.from({ length: plots }, (_, plot) => {
      const part = (which: number, head: number) =>
        projected.slice([plot * tokens, which * width + head * size], [tokens, size]);
      return tf.concat(
        Array.from({ length: heads }, (_, head) => {
          const scores = tf.matMul(part(0, head) as never, part(1, head) as never, false, true).div(Math.sqrt(size));
          return tf.matMul(tf.softmax(scores) as never, part(2, head) as never);
        }),
        1,
      );
    });
    value = value.add(drop(dense(tf.concat(attended, 0), `${name}/projection`), 1 + 3 * block));
    const hidden = drop(gelu(dense(norm(value, `${name}/norm2`), `${name}/up`)), 2 + 3 * block);
    value = value.add(drop(dense(hidden, `${name}/down`), 3 + 3 * block));
  }
  const pooled = value.reshape([plots, tokens, width]).mean(1);
  return dense(norm(pooled, 'norm'), 'head').reshape([plots]);
}

/** As functions of all weights. */
function asFunctions(of: VitParams, training = true) {
  const weights = weightsOf(of);
  const names = Object.keys(weights);
  const named = (given: readonly Tensor[]) =>
    Object.fromEntries(names.map((name, index) => [name, given[index] as Tensor]));
  return {
    fused: (given: readonly Tensor[]) => forward(of, named(given), training),
    plain: (given: readonly Tensor[]) => plain(of, named(given), training),
    inputs: Object.values(weights),
  };
}

describe('vit', () => {
  it('has the value and all gradients of the plain composition, without dropout and under it', () => {
    for (const dropout of [0, 0.25]) {
      const { fused, plain: composed, inputs } = asFunctions(params({ dropout }));
      expectSame(tf, fused, composed, inputs, 3);
    }
  });

  it('has the gradients of finite differences, under dropout', () => {
    const { fused, inputs } = asFunctions(params({ blocks: 1 }));
    expectSlopes(tf, fused, inputs, 1);
  });

  it('predicts without dropout, the same each time', () => {
    const { fused, plain: composed, inputs } = asFunctions(params(), false);
    closeTo(fused(inputs), composed(inputs), 4);
    expect([...fused(inputs).dataSync()]).toEqual([...fused(inputs).dataSync()]);
  });

  it('makes its prediction of the features that it gives', () => {
    const weights = weightsOf(params());
    const weight = <T extends Tensor>(name: string) => weights[name] as T;
    const features = vit(params()).features({ tf, x: pixels(), weight });
    expect(features.shape).toEqual([plots, 8]);
    const head = tf.matMul(features, weights['head/kernel'] as never).add(weights['head/bias'] as Tensor);
    closeTo(head.reshape([plots]), forward(params(), weights, false), 4);
  });

  it('leaves no tensor behind', () => {
    const { fused, inputs } = asFunctions(params());
    expect(leftBehind(tf, fused, inputs)).toBe(0);
    const before = tf.memory().numTensors;
    tf.tidy(() => fused(inputs).dataSync());
    expect(tf.memory().numTensors).toBe(before);
  });

  it('has the sizes of its docstring on plots of 160x106 pixels', () => {
    const plan = vit(vitParams.parse({ model: 'vit' })).plan({ height: 160, width: 106, channels: 4 });
    const count = plan.reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0);
    expect(plan.find(({ name }) => name === 'embedding/kernel')?.shape).toEqual([6784, 512]);
    expect(plan.find(({ name }) => name === 'positions')?.shape).toEqual([11, 512]);
    expect(count).toBe(7_736_369);
  });

  it('refuses plots that are not whole patches, and says which patches fit', () => {
    expect(() => vit(params()).plan({ ...input, width: 10 })).toThrowError(
      /4x10 pixels are none of 2x3\. Set `patch` to a height of 1, 2 or 4 and a width of 1, 2, 5 or 10/,
    );
  });

  it('refuses heads that do not divide the width, in the config', () => {
    const { success, error } = trainParams.safeParse({ model: 'vit', width: 10, heads: 4 });
    expect(success).toBe(false);
    expect(error?.issues[0]).toMatchObject({ path: ['heads'], message: 'Expected a divisor of `width`, 10, got 4' });
  });
});

describe('initialWeight', () => {
  it('is normal about 0 with the deviation that is asked for, drawn by the seed', () => {
    const plan = { name: 'token', shape: [50_000], initial: { normal: 0.02 }, trainable: true };
    const values = initialWeight(plan, 3, 1);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    expect(Math.abs(mean)).toBeLessThan(0.0005);
    expect(Math.sqrt(variance)).toBeCloseTo(0.02, 3);
    expect(values.every(Number.isFinite)).toBe(true);
    expect(initialWeight(plan, 3, 1)).toEqual(values);
    expect(initialWeight(plan, 3, 2)).not.toEqual(values);
  });
});
