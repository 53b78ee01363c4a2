import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type SteppedTrainParams, trainParams } from '../../../contract/stages/train.ts';
import { type Features, openFeatures } from '../../data/features.ts';
import { loadTensorflow, type Tf } from '../tensorflow.ts';
import { temporaryFolder } from '../testing/temporaryFolder.ts';
import { writeToyFeatures } from '../testing/toyFeatures.ts';
import type { TrainingState } from './checkpoint.ts';
import { type TrainingHooks, trainNetwork } from './train.ts';

const folder = temporaryFolder();
let tf: Tf;
let features: Features;

beforeAll(async () => {
  tf = await loadTensorflow();
  await writeToyFeatures(join(folder, 'toy'), { height: 12, width: 9, plots: { train: 21, validation: 5, test: 0 } });
  features = await openFeatures(join(folder, 'toy'));
});

const quiet: TrainingHooks = { stopRequested: () => false, onStep: () => {}, onCheckpoint: async () => {} };

function convnet(changes: object = {}): SteppedTrainParams {
  return trainParams.parse({
    model: 'convnet2d',
    filters: [4, 4],
    epochs: 3,
    batchSize: 8,
    ...changes,
  }) as SteppedTrainParams;
}

function run(params: SteppedTrainParams, hooks: Partial<TrainingHooks> = {}, resume?: TrainingState, data = features) {
  return trainNetwork({ tf, features: data, params, seed: 7, training: 'test', resume }, { ...quiet, ...hooks });
}

describe('trainNetwork', () => {
  it('keeps the number of tensors the same from step to step, and leaves none', async () => {
    const before = tf.memory().numTensors;
    const counts: number[] = [];
    await run(convnet({ optimizer: { sgd: { lr: 0.01, momentum: 0.9 } } }), {
      onStep: () => counts.push(tf.memory().numTensors),
    });
    expect(new Set(counts).size).toBe(1);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('stopped at any step and resumed from that state, ends bit for bit where it would have', async () => {
    const params = convnet({ optimizer: { sgd: { lr: 0.02, momentum: 0.9 } } });
    const whole = await run(params);
    for (let stopAt = 0; stopAt < 9; stopAt++) {
      let step = 0;
      const first = await run(params, {
        onStep: () => step++,
        stopRequested: () => step === stopAt,
      });
      expect(first.kind).toBe('stopped');
      const rest = await run(params, {}, first.state);
      expect(rest.state.tensors).toEqual(whole.state.tensors);
      expect(rest.state.position).toEqual(whole.state.position);
      expect(rest.weights).toEqual(whole.weights);
    }
  }, 120_000);

  it('with another seed ends elsewhere', async () => {
    const [a, b] = await Promise.all(
      [7, 8].map((seed) => trainNetwork({ tf, features, params: convnet(), seed, training: 'test' }, quiet)),
    );
    expect(a?.weights).not.toEqual(b?.weights);
  });

  it('gives the weights of the epoch with the least validation error', async () => {
    const end = await run(convnet({ epochs: 6, optimizer: { sgd: { lr: 0.5 } } }));
    const epochs = Buffer.from(end.state.runLog)
      .toString()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
      .filter((row) => row.kind === 'epoch');
    const least = Math.min(...epochs.map((row) => row.val_mae));
    expect(end.state.position.best).toEqual({
      epoch: epochs.find((row) => row.val_mae === least).epoch,
      valMae: least,
    });
  });

  it('writes a row for every step, or every so many, and one for every epoch', async () => {
    const kinds = async (logEvery: number) => {
      const end = await run(convnet({ logEvery }));
      return Buffer.from(end.state.runLog)
        .toString()
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).kind)
        .join(' ');
    };
    expect(await kinds(1)).toBe('start step step step epoch step step step epoch step step step epoch');
    expect(await kinds(4)).toBe('start epoch step epoch step epoch');
  });

  it('fails when the loss is no number any more', async () => {
    let reads = 0;
    const spoiled: Features = {
      ...features,
      async readPlots(...request) {
        const pixels = await features.readPlots(...request);
        return ++reads < 5 ? pixels : pixels.fill(Number.POSITIVE_INFINITY);
      },
    };
    const before = tf.memory().numTensors;
    await expect(run(convnet(), {}, undefined, spoiled)).rejects.toMatchObject({ code: 'TRAINING_DIVERGED' });
    expect(tf.memory().numTensors).toBe(before);
  });

  it('fails when the validation error is no number, though weights and loss are: no epoch is best by it', async () => {
    const spoiled: Features = {
      ...features,
      rows: (split) =>
        features.rows(split).map((row) => (split === 'validation' ? { ...row, target: Number.NaN } : row)),
    };
    await expect(run(convnet(), {}, undefined, spoiled)).rejects.toMatchObject({
      code: 'TRAINING_DIVERGED',
      message: expect.stringContaining('validation error'),
    });
  });

  it('validates on the training plots when there are no others', async () => {
    await writeToyFeatures(join(folder, 'few'), { height: 12, width: 9, plots: { train: 3, validation: 0, test: 0 } });
    const end = await run(convnet(), {}, undefined, await openFeatures(join(folder, 'few')));
    expect(end.state.position.best?.valMae).toBeGreaterThan(0);
  });

  it('refuses plots that are too small for the kernels', async () => {
    await writeToyFeatures(join(folder, 'small'), { height: 6, width: 7, plots: { train: 3, validation: 0, test: 0 } });
    await expect(run(convnet(), {}, undefined, await openFeatures(join(folder, 'small')))).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('8x8'),
    });
  });
});
