import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { FeaturesDescription } from '../../contract/features.ts';
import { type SteppedTrainParams, trainParams } from '../../contract/stages/train.ts';
import { describeModel, type ModelTensor, writeModel } from './modelArtifact.ts';
import { networkFor } from './networks/networkFor.ts';
import { type LoadedModel, loadModel } from './predict.ts';
import { uniforms } from './random.ts';
import { temporaryFolder } from './testing/temporaryFolder.ts';
import { mirror } from './trainer/augment.ts';

const folder = temporaryFolder();
const size = { height: 9, width: 8 };
const bands = ['red', 'nir'];
const features: FeaturesDescription = {
  format: 1,
  preprocessing: { bands, indices: [], ...size, fit: 'crop', fill: [0, 0] },
  channels: bands,
  statistics: { mean: [0.4, 0.7], std: [0.5, 0.25] },
  target: { name: 'nitrogen', unit: 'kg/ha' },
  plots: { train: 0, validation: 0, test: 0 },
  plotsPerShard: 1,
};
const shape = { ...size, channels: bands.length };
const plotLength = size.height * size.width * bands.length;
/** More than a network sees at once. */
const plots = 19;
const pixels = random(plots * plotLength, 1);
const networks = {
  convnet2d: { model: 'convnet2d', filters: [3, 2] },
  'pooled-cnn': { model: 'pooled-cnn', filters: [3, 2] },
};

describe.each(Object.entries(networks))('a %s model', (_, network) => {
  it('predicts in the unit of the target, which its network does not know', async () => {
    const standard = await predict(network, [{ seed: 1, mean: 0, std: 1 }]);
    expect(spread(standard)).toBeGreaterThan(0.01);
    expectClose(
      await predict(network, [{ seed: 1, mean: 150, std: 40 }]),
      standard.map((value) => 150 + 40 * value),
    );
  });

  it('of several networks predicts the mean of what each says in the unit of the target', async () => {
    const members = [
      { seed: 1, mean: 150, std: 40 },
      { seed: 2, mean: -20, std: 7 },
    ];
    const [first, second] = await Promise.all(members.map((member) => predict(network, [member])));
    expectClose(
      await predict(network, members),
      (first as Float32Array).map((value, plot) => (value + (second?.[plot] as number)) / 2),
    );
  });

  it('of several networks clips each by its own range', async () => {
    const free = { seed: 1, mean: 150, std: 40 };
    const clipped = await predict(network, [{ ...free, range: [0, 1] }, free]);
    expectClose(
      clipped,
      (await predict(network, [free])).map((value) => (Math.min(Math.max(value, 0), 1) + value) / 2),
    );
  });

  it('is told apart from its input by nothing but the statistics that it was trained with', async () => {
    const member = [{ seed: 1, mean: 150, std: 40 }];
    const { mean, std } = features.statistics;
    const standardized = pixels.map((value, at) => (value - (mean[at % 2] as number)) / (std[at % 2] as number));
    const raw = { ...network, standardize: { inputs: false } };
    expectClose(await predict(raw, member, standardized), await predict(network, member));
    expect(distance(await predict(raw, member), await predict(network, member))).toBeGreaterThan(0.1);
  });

  it('leaves the pixels that it is given as they are', async () => {
    const given = pixels.slice();
    await predict(network, [{ seed: 1, mean: 0, std: 1 }], given);
    expect(given).toEqual(pixels);
  });
});

it('with test-time flips a model predicts the mean over a plot, its mirror images and itself upside down', async () => {
  const members = [
    { seed: 1, mean: 150, std: 40 },
    { seed: 2, mean: -20, std: 7 },
  ];
  const images = await Promise.all(
    [false, true].flatMap((across) =>
      [false, true].map((down) => predict(networks.convnet2d, members, mirrored({ across, down }))),
    ),
  );
  const [asItIs, ...others] = images as [Float32Array, ...Float32Array[]];
  // Each of them counts.
  for (const image of others) expect(distance(image, asItIs)).toBeGreaterThan(0.1);
  expectClose(
    await predict({ ...networks.convnet2d, testFlips: true }, members),
    asItIs.map((_, plot) => images.reduce((sum, image) => sum + (image[plot] as number), 0) / 4),
  );
});

describe('what a network learned to see', () => {
  const member = { seed: 1, mean: 0, std: 1 };

  it('is a number for each of its last features, of which the dense layer makes the prediction', async () => {
    const network = networks['pooled-cnn'];
    const embedded = (await embed(network, [member])) as Float32Array;
    expect(embedded).toHaveLength(plots * 2);
    const dense = tensorsOf(trainParams.parse(network) as SteppedTrainParams, member);
    const values = (name: string) => dense.find((tensor) => tensor.name === name)?.values as Float32Array;
    const [[first, second], [bias]] = [values('dense/kernel'), values('dense/bias')] as unknown as [number[], number[]];
    const predicted = Float32Array.from(
      { length: plots },
      (_, plot) =>
        (first as number) * (embedded[2 * plot] as number) +
        (second as number) * (embedded[2 * plot + 1] as number) +
        (bias as number),
    );
    expectClose(await predict(network, [member]), predicted);
  });

  it('is the mean over positions where there is a feature at each', async () => {
    const embedded = (await embed(networks.convnet2d, [member])) as Float32Array;
    expect(embedded).toHaveLength(plots * 2);
    expect(spread(embedded)).toBeGreaterThan(0.01);
    expect(embedded.every((value) => value >= 0)).toBe(true);
  });

  it('is that of the first of several', async () => {
    const other = { seed: 2, mean: 0, std: 1 };
    expect(await embed(networks.convnet2d, [member, other])).toEqual(await embed(networks.convnet2d, [member]));
  });
});

interface HandMade {
  readonly seed: number;
  readonly mean: number;
  readonly std: number;
  readonly range?: readonly [number, number];
}

let models = 0;
/** What a model of networks made by hand predicts. */
function predict(given: object, members: readonly HandMade[], x = pixels): Promise<Float32Array> {
  return withModel(given, members, (model) => model.predict(x));
}

function embed(given: object, members: readonly HandMade[]): Promise<Float32Array | undefined> {
  return withModel(given, members, async (model) => model.embed?.(pixels));
}

async function withModel<T>(given: object, members: readonly HandMade[], ask: (model: LoadedModel) => Promise<T>) {
  const params = trainParams.parse(given) as SteppedTrainParams;
  const tensors = members.flatMap((member, number) =>
    tensorsOf(params, member).map((tensor) => ({ ...tensor, name: `${number}/${tensor.name}` })),
  );
  const at = join(folder, String(models++));
  await writeModel(at, describeModel(params, features, tensors, members.length), tensors);
  const model = await loadModel(at);
  try {
    return await ask(model);
  } finally {
    model.dispose();
  }
}

function tensorsOf(params: SteppedTrainParams, { seed, mean, std, range }: HandMade): ModelTensor[] {
  const scale = { mean, std, ...(range && { least: range[0], most: range[1] }) };
  return [
    ...networkFor(params)
      .plan(shape)
      .map((weight, index) => {
        const length = weight.shape.reduce((product, each) => product * each, 1);
        const draws = random(length, 100 * seed + index);
        // Variances must be positive; kernels of both signs let plots differ.
        return {
          ...{ name: weight.name, shape: weight.shape },
          values: weight.name.includes('kernel') ? draws.map((draw) => draw - 0.5) : draws.map((draw) => draw + 0.5),
        };
      }),
    ...Object.entries(scale).map(([name, value]) => ({
      ...{ name: `target/${name}`, shape: [1], values: Float32Array.of(value) },
    })),
  ];
}

function mirrored(how: { across: boolean; down: boolean }): Float32Array {
  const out = pixels.slice();
  for (let plot = 0; plot < plots; plot++) mirror(out.subarray(plot * plotLength, (plot + 1) * plotLength), shape, how);
  return out;
}

function random(count: number, seed: number): Float32Array {
  return Float32Array.from(uniforms({ seed, use: 'weights' }, count));
}

function expectClose(actual: Float32Array, expected: Float32Array): void {
  expect(actual).toHaveLength(plots);
  for (const [plot, value] of actual.entries()) expect(value).toBeCloseTo(expected[plot] as number, 2);
}

/** The least difference between two models' predictions for a plot. */
function distance(a: Float32Array, b: Float32Array): number {
  return Math.min(...a.map((value, plot) => Math.abs(value - (b[plot] as number))));
}

function spread(values: Float32Array): number {
  return Math.max(...values) - Math.min(...values);
}
