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

const quiet: TrainingHooks = { stopRequested: () => false, onStep: () => {}, onCheckpoint: () => {} };

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

function rowsOf({ state }: { state: TrainingState }, kind: string) {
  return Buffer.from(state.runLog)
    .toString()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .filter((row) => row.kind === kind);
}

describe('trainNetwork', () => {
  it('keeps the number of tensors the same from step to step, and leaves none', async () => {
    // Constants that kernels keep are made once.
    await run(convnet({ epochs: 1 }));
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
      expect(rest.members).toEqual(whole.members);
      expect(rest.valMae).toBe(whole.valMae);
    }
  }, 120_000);

  it('with another seed ends elsewhere', async () => {
    const [a, b] = await Promise.all(
      [7, 8].map((seed) => trainNetwork({ tf, features, params: convnet(), seed, training: 'test' }, quiet)),
    );
    expect(a?.members).not.toEqual(b?.members);
  });

  it('gives the weights of the epoch with the least validation error', async () => {
    const end = await run(convnet({ epochs: 6, optimizer: { sgd: { lr: 0.5 } } }));
    const epochs = rowsOf(end, 'epoch');
    const least = Math.min(...epochs.map((row) => row.val_mae));
    const { epoch } = epochs.find((row) => row.val_mae === least);
    expect(end.state.position.members).toEqual([{ fold: 0, epoch, valMae: least }]);
    expect(end.valMae).toBeCloseTo(least, 4);
    const last = await run(convnet({ epochs: 6, optimizer: { sgd: { lr: 0.5 } }, keep: 'last' }));
    expect(last.state.position.members).toMatchObject([{ epoch: 6 }]);
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

  it('ends early when validation gets no better, and keeps the weights from before', async () => {
    const params = convnet({
      epochs: 30,
      earlyStopping: { patience: 2 },
      optimizer: { sgd: { lr: 1 } },
      schedule: 'constant',
    });
    const end = await run(params);
    const { epochs, members } = end.state.position;
    expect(epochs).toBeLessThan(30);
    expect(members).toMatchObject([{ epoch: epochs - 2 }]);
    // What it ended with has nothing left to train.
    expect((await run(params, {}, end.state)).members).toEqual(end.members);
  });

  it('trains one network for each fold, each validated on plots that it did not see', async () => {
    const params = convnet({ folds: 3, epochs: 2 });
    const end = await run(params);
    expect(end.state.position.members.map(({ fold }) => fold)).toEqual([0, 1, 2]);
    expect(new Set(end.members.map(({ name }) => name.split('/')[0]))).toEqual(new Set(['0', '1', '2']));
    // Training and validation plots, each held out once.
    expect(end.heldOut).toHaveLength(26);
    expect([...end.heldOut].every(Number.isFinite)).toBe(true);
    const rows = [...features.rows('train'), ...features.rows('validation')];
    const errors = rows.map(({ target }, at) => Math.abs(target - (end.heldOut[at] as number)));
    expect(end.valMae).toBeCloseTo(errors.reduce((sum, error) => sum + error, 0) / 26, 3);
  });

  it('keeps a network of every learning-rate cycle, and starts no cycle from the beginning', async () => {
    const end = await run(convnet({ snapshots: 2, epochs: 4 }));
    const { members } = end.state.position;
    expect(members).toHaveLength(2);
    expect(members[0]?.epoch).toBeLessThanOrEqual(2);
    expect(members[1]?.epoch).toBeGreaterThan(2);
    const rates = rowsOf(end, 'step').map((row) => row.learning_rate);
    expect(rates[6]).toBe(0.05);
    expect(rates[5]).toBeLessThan(0.005);
  });

  it.each([
    { folds: 2, epochs: 2 },
    { snapshots: 2, epochs: 4, averaging: 0.9 },
    { epochs: 8, earlyStopping: { patience: 1 }, optimizer: { sgd: { lr: 1 } }, folds: 2 },
    { augment: { flips: true, rotate180: true, brightness: 0.2, mixup: 0.4 }, testFlips: true, loss: 'huber' },
    { standardize: { inputs: false, target: false }, optimizer: { adam: { lr: 0.01 } }, warmup: 1, clipNorm: 0.5 },
  ])(
    'stopped anywhere and resumed ends bit for bit where it would have, with %j',
    async (changes) => {
      const params = convnet(changes);
      const whole = await run(params);
      const { step: steps } = whole.state.position;
      for (let stopAt = 1; stopAt < steps; stopAt += 2) {
        let step = 0;
        const first = await run(params, { onStep: () => step++, stopRequested: () => step === stopAt });
        expect(first.state.position.step).toBe(stopAt);
        const rest = await run(params, {}, first.state);
        expect(rest.state.tensors).toEqual(whole.state.tensors);
        expect(rest.members).toEqual(whole.members);
        expect(rowsOf(rest, 'step').map((row) => row.step)).toEqual(rowsOf(whole, 'step').map((row) => row.step));
      }
    },
    120_000,
  );

  it('stopped while it validates leaves the epoch open, and validates it when it goes on', async () => {
    const params = convnet({ epochs: 2 });
    const whole = await run(params);
    let step = 0;
    let asked = 0;
    // Three steps an epoch: the first question behind the third step comes from the validation.
    const stopRequested = () => step === 3 && ++asked === 1;
    const first = await run(params, { onStep: () => step++, stopRequested });
    expect(first.state.position).toMatchObject({ step: 3, epochs: 0, lastEpoch: null });
    const rest = await run(params, {}, first.state);
    expect(rest.state.tensors).toEqual(whole.state.tensors);
    expect(rest.state.position).toEqual(whole.state.position);
    expect(rowsOf(rest, 'epoch')).toHaveLength(2);
  });

  it('takes a checkpoint when the time is up, in the middle of an epoch too, and after so many epochs', async () => {
    const taken = async (checkpointEvery: number | string) => {
      const steps: number[] = [];
      await run(convnet({ checkpointEvery, epochs: 4 }), { onCheckpoint: (take) => steps.push(take().position.step) });
      return steps;
    };
    expect(await taken(2)).toEqual([6, 12]);
    // Only the one at the end: a minute is longer than this takes.
    expect(await taken('1m')).toEqual([12]);
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
    expect(end.valMae).toBeGreaterThan(0);
  });

  it('refuses plots that are too small for the kernels', async () => {
    await writeToyFeatures(join(folder, 'small'), { height: 6, width: 7, plots: { train: 3, validation: 0, test: 0 } });
    await expect(run(convnet(), {}, undefined, await openFeatures(join(folder, 'small')))).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('8x8'),
    });
  });
});
