import { describe, expect, it } from 'vitest';
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
    { model: 'convnet2d', optimizer: { adam: { lr: 0.1 } } },
    { model: 'convnet2d', optimizer: { sgd: { lr: 0 } } },
    { model: 'convnet2d', kernels: [4, 3] },
    { model: 'convnet2d', batchSize: 1 },
  ])('refuse %j', (params) => {
    expect(trainParams.safeParse(params).success).toBe(false);
  });

  it('keep how often is logged and checkpointed out of the key', () => {
    const of = (more: object) => resultParams(trainParams, { ...trainParams.parse({ model: 'convnet2d', ...more }) });
    expect(of({ checkpointEvery: 5, logEvery: 9 })).toEqual(of({}));
    expect(of({ epochs: 5 })).not.toEqual(of({}));
  });
});
