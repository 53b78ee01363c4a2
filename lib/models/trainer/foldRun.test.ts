import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type SteppedTrainParams, trainParams } from '../../../contract/stages/train.ts';
import { type Features, openFeatures } from '../../data/features.ts';
import { describeModel, writeModel } from '../modelArtifact.ts';
import { loadModel } from '../predict.ts';
import { loadTensorflow, type Tf } from '../tensorflow.ts';
import { temporaryFolder } from '../testing/temporaryFolder.ts';
import { writeToyFeatures } from '../testing/toyFeatures.ts';
import { mirror } from './augment.ts';
import { FoldRun } from './foldRun.ts';
import { type Fold, foldsOf } from './folds.ts';
import { type TrainingEnd, trainNetwork } from './train.ts';

const folder = temporaryFolder();
const size = { height: 12, width: 9 };
/** Three batches. */
const validationPlots = 7;
let tf: Tf;
let features: Features;
/** A few steps on, so that it tells plots apart. */
let trained: TrainingEnd;

beforeAll(async () => {
  tf = await loadTensorflow();
  await writeToyFeatures(join(folder, 'toy'), { ...size, plots: { train: 12, validation: validationPlots, test: 0 } });
  features = await openFeatures(join(folder, 'toy'));
  const quiet = { stopRequested: () => false, onStep: () => {}, onCheckpoint: () => {} };
  trained = await trainNetwork(
    { tf, features, params: convnet({ testFlips: true }), seed: 1, training: 'test' },
    quiet,
  );
});

function convnet(changes: object): SteppedTrainParams {
  const network = { model: 'convnet2d', filters: [4, 4], batchSize: 3, epochs: 8, keep: 'last', schedule: 'constant' };
  return trainParams.parse({ ...network, ...changes }) as SteppedTrainParams;
}

/** What the trained network predicts for the validation plots. */
async function validate(data: Features, changes: object = {}) {
  const [fold] = foldsOf(data, undefined, 1) as [Fold];
  const stored = trained.state.tensors;
  const run = new FoldRun({ tf, features: data, params: convnet(changes), seed: 1, number: 0, fold, stored });
  try {
    return (await run.validate()) as { predicted: Float32Array; mae: number };
  } finally {
    run.dispose();
  }
}

/** The same plots, seen in a mirror. */
function mirrored(how: { across: boolean; down: boolean }): Features {
  return {
    ...features,
    async readPlots(...request) {
      const pixels = await features.readPlots(...request);
      const { plotLength } = features;
      for (let from = 0; from < pixels.length; from += plotLength)
        mirror(pixels.subarray(from, from + plotLength), { ...size, channels: 4 }, how);
      return pixels;
    },
  };
}

const meanError = (predicted: Float32Array) => {
  const errors = features.rows('validation').map(({ target }, at) => Math.abs(target - (predicted[at] as number)));
  return errors.reduce((sum, error) => sum + error, 0) / errors.length;
};

describe('validation with test-time flips', () => {
  it('is by the mean over each plot, its mirror images and itself upside down', async () => {
    const images = await Promise.all(
      [false, true].flatMap((across) => [false, true].map((down) => validate(mirrored({ across, down })))),
    );
    const plain = await validate(features);
    const flipped = await validate(features, { testFlips: true });
    expect(flipped.predicted).toHaveLength(validationPlots);
    for (const [plot, value] of flipped.predicted.entries()) {
      const byHand = images.reduce((sum, { predicted }) => sum + (predicted[plot] as number), 0) / 4;
      expect(value).toBeCloseTo(byHand, 2);
      expect(Math.abs(value - (plain.predicted[plot] as number))).toBeGreaterThan(0.5);
    }
    expect(flipped.mae).toBeCloseTo(meanError(flipped.predicted), 3);
    expect(Math.abs(flipped.mae - plain.mae)).toBeGreaterThan(1);
  });

  it('gives the error that the run log tells and that the model has, not that of the plots as they are', async () => {
    const { members, state, valMae } = trained;
    const rows = Buffer.from(state.runLog).toString().trim().split('\n');
    const best = rows.map((row) => JSON.parse(row)).findLast((row) => row.kind === 'epoch' && row.best);
    const errorOf = async (name: string, how: SteppedTrainParams) => {
      await writeModel(join(folder, name), describeModel(how, features.description, members), members);
      const model = await loadModel(join(folder, name));
      const predicted = await model.predict(await features.readPlots('validation', { from: 0, to: validationPlots }));
      model.dispose();
      return meanError(predicted);
    };
    const error = await errorOf('flipped', convnet({ testFlips: true }));
    expect(best.val_mae).toBeCloseTo(error, 2);
    expect(valMae).toBeCloseTo(error, 2);
    expect(Math.abs(error - (await errorOf('plain', convnet({}))))).toBeGreaterThan(1);
  });
});
