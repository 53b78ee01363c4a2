import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { modelFiles } from '../../../contract/model.ts';
import type { RidgeParams } from '../../../contract/networks/ridge.ts';
import { openFeatures, validationSplit } from '../../data/features.ts';
import { describeModel, writeModel } from '../modelArtifact.ts';
import { ridgeTensors, trainRidge } from '../ridge/ridge.ts';
import type { Session } from './serveTask.ts';
import type { TrainResult, TrainTask } from './trainTask.ts';

/** Loads no TensorFlow. */
export async function trainLinear(task: TrainTask, params: RidgeParams, session: Session): Promise<TrainResult> {
  session.progress({ doing: 'solving' });
  const features = await openFeatures(task.features);
  const { fit, lambda, trainMae, valMae } = await trainRidge(features, params);
  const tensors = ridgeTensors(fit);
  await writeModel(task.output, describeModel(params, features.description, tensors), tensors);
  const row = { kind: 'fit', lambda, loss: trainMae, val_mae: valMae, time: new Date().toISOString() };
  await writeFile(join(task.output, modelFiles.runLog), `${JSON.stringify(row)}\n`);
  return {
    metrics: { val_mae: valMae, train_loss: trainMae },
    facts: {
      network: 'ridge',
      lambda,
      trainPlots: features.rows('train').length,
      validatedOn: validationSplit(features),
    },
  };
}
