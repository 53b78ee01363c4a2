import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { durationSeconds } from '../contract/duration.ts';
import { FurrowError } from '../contract/errors.ts';
import { modelFiles } from '../contract/model.ts';
import { implementStage } from '../contract/stage.ts';
import { train } from '../contract/stages/train.ts';

export default implementStage(train, {
  async run(context) {
    const { inputs, params, seed, key, scratch, signal, log, output, checkpoints } = context;
    const { trainInChild } = await import('../lib/models/child/trainInChild.ts');
    const { workFolder } = await import('../lib/models/child/workClaim.ts');
    const [features, model, aside, runLog] = ['features', 'model', 'checkpoints', modelFiles.runLog].map((name) =>
      join(scratch, name),
    ) as [string, string, string, string];
    await mkdir(aside, { recursive: true });
    context.progress({ doing: 'fetching features' });
    await inputs.features.artifact.materialize(features);

    const attempt = (checkpoint: string | undefined) =>
      trainInChild({
        ...(params.model !== 'ridge' && { stallMs: durationSeconds(params.stallTimeout) * 1000 }),
        task: { features, params, seed, key, checkpoint, output: model, runLog, scratch: aside, work: workFolder(key) },
        signal,
        log,
        onProgress: context.progress,
        onCheckpoint: (step, file) => checkpoints.commit(step, file),
      });
    await context.track(runLog);
    const newest = await checkpoints.newest();
    if (newest) log.info(`going on from step ${newest.step}`, { step: newest.step });
    const result = await attempt(newest?.file).catch((error: unknown) => {
      // Whole by its digest, yet not readable by this code: from the start is slower, and right.
      if (!newest || !(error instanceof FurrowError) || error.code !== 'CHECKPOINT_INVALID') throw error;
      log.warn(`${error.message}; training starts from the beginning`, { step: newest.step });
      checkpoints.startOver();
      return attempt(undefined);
    });

    await output.addFile(modelFiles.description, join(model, modelFiles.description));
    await output.addFile(modelFiles.weights, join(model, modelFiles.weights));
    if (params.model !== 'ridge' && params.folds !== undefined)
      await output.addFile(modelFiles.heldOut, join(model, modelFiles.heldOut));
    if (params.model !== 'ridge') await output.addFile(modelFiles.learningCurve, join(model, modelFiles.learningCurve));
    await output.attachFile(modelFiles.runLog, join(model, modelFiles.runLog));
    return result;
  },
});
