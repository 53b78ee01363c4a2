import { createHash } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalJson } from '../../../contract/json.ts';
import { modelFiles } from '../../../contract/model.ts';
import { resultParams } from '../../../contract/params.ts';
import type { StageProgress } from '../../../contract/stage.ts';
import { type SteppedTrainParams, trainParams } from '../../../contract/stages/train.ts';
import { type Features, openFeatures } from '../../data/features.ts';
import { describeModel, type ModelTensor, writeModel } from '../modelArtifact.ts';
import { loadTensorflow } from '../tensorflow.ts';
import { readCheckpoint, type TrainingState, writeCheckpoint } from '../trainer/checkpoint.ts';
import { targetScale } from '../trainer/targetScale.ts';
import { type TrainingEnd, type TrainingProgress, trainNetwork } from '../trainer/train.ts';
import { validationSplit } from '../trainer/trainingRun.ts';
import { type Session, stopped } from './serveTask.ts';
import type { TrainResult, TrainTask } from './trainTask.ts';

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
  const handOver = checkpointsTo(session, task.scratch, resume?.position.step);
  const end = await trainNetwork(
    { tf, features, params, seed: task.seed, training, resume },
    {
      stopRequested: session.stopRequested,
      onStep: (progress) => session.progress(describe(progress)),
      onCheckpoint: handOver.whenFree,
    },
  );
  if (end.kind === 'stopped') {
    await handOver.last(end.state);
    return stopped;
  }
  await handOver.settled();
  return writeResult(task, params, features, end, resume?.position.step ?? 0);
}

/**
 * At most one checkpoint is on its way: one that is due meanwhile is left out, and training never waits for the store.
 *
 * @param newest the step of the one that there is already
 */
function checkpointsTo(session: Session, folder: string, newest: number | undefined) {
  let onItsWay: Promise<void> | undefined;
  let sent = newest;
  const send = async (state: TrainingState): Promise<void> => {
    const { step } = state.position;
    const file = join(folder, `checkpoint-${step}`);
    await writeCheckpoint(file, state);
    sent = step;
    onItsWay = session.checkpoint(step, file).then(async () => {
      onItsWay = undefined;
      await rm(file, { force: true });
    });
  };
  return {
    whenFree: async (take: () => TrainingState) => {
      if (!onItsWay) await send(take());
    },
    last: async (state: TrainingState) => {
      await onItsWay;
      if (sent === state.position.step) return;
      await send(state);
      await onItsWay;
    },
    settled: async () => onItsWay,
  };
}

async function writeResult(
  task: TrainTask,
  params: SteppedTrainParams,
  features: Features,
  { state, weights }: TrainingEnd,
  resumedAt: number,
): Promise<TrainResult> {
  const { mean, std } = targetScale(features.rows('train').map((row) => row.target));
  const tensors: ModelTensor[] = [
    ...weights,
    { name: 'target/mean', shape: [1], values: Float32Array.of(mean) },
    { name: 'target/std', shape: [1], values: Float32Array.of(std) },
  ];
  await writeModel(task.output, describeModel(params, features.description, tensors), tensors);
  await writeFile(join(task.output, modelFiles.runLog), state.runLog);
  const { best, trainLoss, step, epoch } = state.position;
  return {
    metrics: {
      val_mae: best?.valMae ?? 0,
      train_loss: trainLoss ?? 0,
      epochs: epoch,
      best_epoch: best?.epoch ?? 0,
      steps: step,
    },
    facts: {
      network: params.model,
      weights: weights.reduce((sum, { values }) => sum + values.length, 0),
      trainPlots: features.rows('train').length,
      validatedOn: validationSplit(features),
      resumedAtStep: resumedAt,
    },
  };
}

function describe({ step, steps, epoch, epochs, loss, valMae }: TrainingProgress): StageProgress {
  const metrics = { loss, ...(valMae === undefined ? {} : { val_mae: valMae }) };
  return { doing: `epoch ${epoch}/${epochs}`, done: step, total: steps, metrics };
}

/** Of what the steps depend on; operational parameters may differ between attempts. */
function trainingDigest({ key, params, seed }: TrainTask): string {
  const text = canonicalJson({ key, params: resultParams(trainParams, { ...params }), seed });
  return createHash('sha256').update(text).digest('hex');
}
