import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalJson, type JsonObject } from '../../../contract/json.ts';
import { modelFiles } from '../../../contract/model.ts';
import { resultParams } from '../../../contract/params.ts';
import type { StageProgress } from '../../../contract/stage.ts';
import { type SteppedTrainParams, trainParams } from '../../../contract/stages/train.ts';
import { type Features, learnableRows, openFeatures, validationSplit } from '../../data/features.ts';
import { learningCurveCsv } from '../learningCurve.ts';
import { describeModel, writeHeldOut, writeModel } from '../modelArtifact.ts';
import { loadTensorflow } from '../tensorflow.ts';
import { readCheckpoint } from '../trainer/checkpoint.ts';
import { type TrainingEnd, type TrainingProgress, trainNetwork } from '../trainer/train.ts';
import { checkpointHandover } from './checkpointHandover.ts';
import { growingFile } from './growingFile.ts';
import { type Session, stopped } from './serveTask.ts';
import type { TrainResult, TrainTask } from './trainTask.ts';

/** For a checkpoint that is on its way when training fails: time to write a large one to a slow disk. */
const failureGraceMs = 5_000;

/** Trains from the checkpoint on, hands checkpoints to the parent, and writes the model. */
export async function trainSteps(
  task: TrainTask,
  params: SteppedTrainParams,
  session: Session,
): Promise<TrainResult | typeof stopped> {
  session.progress({ doing: 'loading TensorFlow' });
  const [tf, features] = await Promise.all([loadTensorflow(), openFeatures(task.features)]);
  const training = trainingDigest(task);
  const resume = task.checkpoint === undefined ? undefined : await readCheckpoint(task.checkpoint, training);
  const handOver = checkpointHandover(session, task.scratch, resume?.position.step);
  const end = await trainNetwork(
    {
      ...{ tf, features, params, seed: task.seed, training, resume },
      ...(task.runLog !== undefined && { onLogged: growingFile(task.runLog, session.warn) }),
    },
    {
      stopRequested: session.stopRequested,
      onStep: (progress) => session.progress(describe(progress)),
      onCheckpoint: handOver.whenFree,
    },
  ).catch(async (error: unknown) => {
    // The process ends with the failure, and the next attempt goes on from this checkpoint.
    await handOver.settled(failureGraceMs);
    throw error;
  });
  // Of a finished training, too: what may fail yet is not to cost its last steps.
  await handOver.last(end.state);
  if (end.kind === 'stopped') return stopped;
  return writeResult(task, params, features, end, resume?.position.step ?? 0);
}

async function writeResult(
  task: TrainTask,
  params: SteppedTrainParams,
  features: Features,
  { state, members, valMae, heldOut }: TrainingEnd,
  resumedAt: number,
): Promise<TrainResult> {
  const { position } = state;
  const count = position.members.length;
  await writeModel(task.output, describeModel(params, features.description, members, count), members);
  if (params.folds !== undefined) {
    const plots = learnableRows(features).map(({ plot }) => plot);
    await writeHeldOut(task.output, plots, heldOut);
  }
  await writeFile(join(task.output, modelFiles.learningCurve), learningCurveCsv(state.runLog));
  await writeFile(join(task.output, modelFiles.runLog), state.runLog);
  const { lastEpoch, step, epochs } = position;
  const weights = members.filter(({ name }) => !name.includes('/target/'));
  return {
    metrics: {
      val_mae: valMae,
      train_mae: lastEpoch?.mae ?? 0,
      train_loss: lastEpoch?.loss ?? 0,
      epochs,
      // Of several networks, each has its own.
      ...(count === 1 && { best_epoch: position.members[0]?.epoch ?? 0 }),
      steps: step,
    },
    facts: {
      network: params.model,
      weights: weights.reduce((sum, { values }) => sum + values.length, 0) / count,
      networks: count,
      trainPlots: features.rows('train').length,
      validatedOn: params.folds === undefined ? validationSplit(features) : `${params.folds} folds`,
      resumedAtStep: resumedAt,
    },
  };
}

function describe(progress: TrainingProgress): StageProgress {
  const { step, steps, epoch, epochs, fold, folds, loss, mae, valMae, imagesPerSecond, secondsLeft } = progress;
  return {
    doing: `${folds > 1 ? `fold ${fold}/${folds}, ` : ''}epoch ${epoch}/${epochs}, step ${step}/${steps}`,
    done: step,
    total: steps,
    ...(secondsLeft === undefined ? {} : { secondsLeft: Math.round(secondsLeft) }),
    metrics: {
      loss,
      mae,
      ...(valMae === undefined ? {} : { val_mae: valMae }),
      ...(imagesPerSecond === undefined ? {} : { images_per_second: Number(imagesPerSecond.toPrecision(4)) }),
    },
  };
}

/** Of what the steps depend on; operational parameters may differ between attempts. */
function trainingDigest({ key, params, seed }: TrainTask): string {
  const text = canonicalJson({ key, params: resultParams(trainParams, params as JsonObject), seed });
  return createHash('sha256').update(text).digest('hex');
}
