import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../json.ts';
import { resultParams } from '../params.ts';
import { networkNames, trainParams } from './train.ts';

describe('the parameters of train', () => {
  it('are filled in by defaults', () => {
    expect(trainParams.parse({ model: 'convnet2d' })).toMatchObject({
      filters: [128, 128],
      kernels: [5, 3],
      optimizer: { sgd: { lr: 0.05, momentum: 0.9 } },
      schedule: 'cosine',
      batchSize: 16,
    });
  });

  it('refuse an unknown model, and list those that there are', () => {
    const { error } = trainParams.safeParse({ model: 'convnet3d' });
    expect(error?.issues[0]?.message).toBe(
      `Expected \`model\` to be one of ${networkNames.join(', ')}, got "convnet3d"`,
    );
  });

  it.each([
    { model: 'ridge', epochs: 3 },
    { model: 'convnet2d', optimizer: { rmsprop: { lr: 0.1 } } },
    { model: 'convnet2d', optimizer: { sgd: { lr: 0.1 }, adam: { lr: 0.1 } } },
    { model: 'convnet2d', snapshots: 3, schedule: 'constant' },
    { model: 'convnet2d', snapshots: 3, earlyStopping: { patience: 2 } },
    { model: 'convnet2d', snapshots: 3, epochs: 2 },
    { model: 'convnet2d', warmup: 4, epochs: 4 },
    { model: 'convnet2d', warmup: 2.4, epochs: 5, snapshots: 2 },
    { model: 'convnet2d', keep: 'last', earlyStopping: { patience: 2 } },
    { model: 'pooled-cnn', filters: [8, 8], kernels: [3] },
    { model: 'pooled-cnn', filters: [8, 8], shrink: [1, 1, 2] },
    { model: 'convnet2d', checkpointEvery: '5 minutes' },
    { model: 'convnet2d', optimizer: { sgd: { lr: 0 } } },
    { model: 'convnet2d', kernels: [4, 3] },
    { model: 'convnet2d', batchSize: 1 },
  ])('refuse %j', (params) => {
    expect(trainParams.safeParse(params).success).toBe(false);
  });

  it('keep how often is logged and checkpointed out of the key', () => {
    const of = (more: object) =>
      resultParams(trainParams, trainParams.parse({ model: 'convnet2d', ...more }) as JsonObject);
    expect(of({ checkpointEvery: 5, logEvery: 9 })).toEqual(of({}));
    expect(of({ checkpointEvery: '5m' })).toEqual(of({}));
    expect(of({ epochs: 5 })).not.toEqual(of({}));
  });
});
