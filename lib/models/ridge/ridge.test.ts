import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openFeatures } from '../../data/features.ts';
import { describeModel, writeModel } from '../modelArtifact.ts';
import { loadModel } from '../predict.ts';
import { uniforms } from '../random.ts';
import { temporaryFolder } from '../testing/temporaryFolder.ts';
import { writeToyFeatures } from '../testing/toyFeatures.ts';
import { fitRidge, predictLinear } from './fit.ts';
import { ridgeTensors, trainRidge } from './ridge.ts';

const folder = temporaryFolder();

describe('fitRidge', () => {
  const rows = 40;
  const features = Float32Array.from(uniforms({ seed: 1, use: 'augmentation' }, rows * 3));
  const targets = Array.from(
    { length: rows },
    (_, row) => 5 + 2 * (features[row * 3] as number) - 3 * (features[row * 3 + 2] as number),
  );

  it('finds a linear relation when lambda is 0', () => {
    const predicted = predictLinear(fitRidge(features, targets, 0), features);
    for (const [row, target] of targets.entries()) expect(predicted[row]).toBeCloseTo(target, 4);
  });

  it('satisfies the normal equations of its penalty', () => {
    const lambda = 0.3;
    const fit = fitRidge(features, targets, lambda);
    const predicted = predictLinear(fit, features);
    for (let column = 0; column < 3; column++) {
      let slope = 0;
      for (let row = 0; row < rows; row++) {
        const z =
          ((features[row * 3 + column] as number) - (fit.mean[column] as number)) / (fit.scale[column] as number);
        slope += (((predicted[row] as number) - (targets[row] as number)) * z) / rows;
      }
      expect(slope + lambda * (fit.coefficients[column] as number)).toBeCloseTo(0, 5);
    }
  });

  it('shrinks to the mean as lambda grows', () => {
    const mean = targets.reduce((sum, target) => sum + target, 0) / rows;
    for (const value of predictLinear(fitRidge(features, targets, 1e9), features)) expect(value).toBeCloseTo(mean, 5);
  });

  it('predicts nothing beyond the targets it was fitted to', () => {
    const fit = fitRidge(features, targets, 0);
    const far = predictLinear(fit, Float32Array.of(1e6, 0, 0, -1e6, 0, 0));
    expect([...far]).toEqual([Math.max(...targets), Math.min(...targets)].map(Math.fround));
  });

  it('takes a constant and a repeated feature', () => {
    const degenerate = Float32Array.from({ length: rows * 3 }, (_, at) => (at % 3 === 2 ? 7 : Math.floor(at / 3)));
    const fit = fitRidge(degenerate, targets, 0);
    expect([...fit.coefficients].every(Number.isFinite)).toBe(true);
    expect(fit.coefficients[2]).toBeCloseTo(0, 12);
  });
});

describe('a ridge model', () => {
  it('predicts from pixels what it was fitted to on their summary', async () => {
    const data = join(folder, 'features');
    await writeToyFeatures(data, { height: 10, width: 8, plots: { train: 40, validation: 8, test: 8 } });
    const features = await openFeatures(data);
    const params = { model: 'ridge', lambda: 'auto' } as const;
    const { fit, valMae } = await trainRidge(features, params);
    const tensors = ridgeTensors(fit);
    await writeModel(join(folder, 'model'), describeModel(params, features.description, tensors), tensors);

    const model = await loadModel(join(folder, 'model'));
    expect(model.embed).toBeUndefined();
    const predicted = await model.predict(await features.readPlots('validation', { from: 0, to: 8 }));
    const errors = features.rows('validation').map((row, at) => Math.abs(row.target - (predicted[at] as number)));
    expect(errors.reduce((sum, error) => sum + error, 0) / 8).toBeCloseTo(valMae, 4);
    expect(valMae).toBeLessThan(50);
  });
});
