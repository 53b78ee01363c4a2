import { join } from 'node:path';
import type { Split } from '../contract/features.ts';
import { canonicalJson } from '../contract/json.ts';
import { type EvaluatedModel, evaluationFiles } from '../contract/model.ts';
import { implementStage, type StageOutcome } from '../contract/stage.ts';
import { evaluate } from '../contract/stages/evaluate.ts';

export default implementStage(evaluate, {
  async run(context): Promise<StageOutcome> {
    const { inputs, params, seed, scratch, output } = context;
    const { learnableRows, openFeatures } = await import('../lib/data/features.ts');
    const { readDescription, readHeldOut } = await import('../lib/models/modelArtifact.ts');
    const { predictInChild } = await import('../lib/models/child/predictInChild.ts');
    const { embeddedFile } = await import('../lib/models/child/predictTask.ts');
    const { baselines, medianBaseline, ridgeBaseline } = await import('../lib/report/baselines.ts');
    const { compareModels } = await import('../lib/report/compare.ts');
    const { predictionsCsv } = await import('../lib/report/predictionsCsv.ts');
    const { drawFigures } = await import('../lib/report/figures/drawInChild.ts');
    const { plotsToEmbed } = await import('../lib/report/figures/figureData.ts');
    const { evaluationSplits, heldOutOf } = await import('../lib/report/splits.ts');

    context.progress({ doing: 'fetching features and models' });
    const folder = join(scratch, 'features');
    await inputs.features.artifact.materialize(folder);
    const modelFolders = inputs.models.map((_, index) => join(scratch, `model-${index}`));
    for (const [index, input] of inputs.models.entries())
      await input.artifact.materialize(modelFolders[index] as string);

    const features = await openFeatures(folder);
    const splits = evaluationSplits(features);
    const rows = { validation: features.rows(splits.validation), test: features.rows(splits.test) };
    const targets = {
      validation: rows.validation.map(({ target }) => target),
      test: rows.test.map(({ target }) => target),
    };
    const embed = { split: splits.test, rows: plotsToEmbed(targets.test, seed) };
    const predicting = join(scratch, 'predictions');
    const predictions = await predictInChild({
      task: {
        features: folder,
        models: modelFolders,
        splits: [...new Set([splits.validation, splits.test])],
        embed,
        output: predicting,
      },
      signal: context.signal,
      log: context.log,
      onProgress: context.progress,
    });
    const learnable = learnableRows(features).map(({ plot }) => plot);
    const models = await Promise.all(
      inputs.models.map(async ({ stage, artifact }, index) => {
        const modelFolder = modelFolders[index] as string;
        const description = await readDescription(modelFolder);
        const heldOut = await readHeldOut(modelFolder, description, learnable);
        const predicted = (split: Split) =>
          (heldOut && heldOutOf(features, split, heldOut)) ?? (predictions[index]?.[split] as Float32Array);
        return {
          name: stage,
          network: description.network,
          networks: description.members,
          crossValidated: heldOut !== undefined,
          validation: predicted(splits.validation),
          test: predicted(splits.test),
          model: artifact.ref,
        };
      }),
    );
    const candidates = [...models, ...(await baselines(features, splits))];
    context.progress({ doing: 'resampling' });
    const evaluation = await compareModels({
      metric: params.metric,
      target: features.description.target,
      candidates,
      learnedFrom: splits.validation === 'train',
      targets,
      seed,
      resamples: params.bootstrap,
      signal: context.signal,
    });
    await output.add(evaluationFiles.evaluation, `${canonicalJson(evaluation)}\n`);
    await output.add(evaluationFiles.predictions, predictionsCsv(candidates, rows));
    const figures = await drawFigures({
      evaluation,
      candidates,
      targets: targets.test,
      embeddedTargets: embed.rows.map((row) => targets.test[row] as number),
      split: splits.test,
      seed,
      models: models.map(({ name, networks }, index) => ({
        name,
        networks,
        folder: modelFolders[index] as string,
        embedded: embeddedFile(predicting, index),
      })),
      folder: join(scratch, 'figures'),
      signal: context.signal,
      log: context.log,
      onProgress: context.progress,
    });
    for (const { path, file } of figures.files) await output.addFile(path, file);

    const named = (name: string) => evaluation.models.find((model) => model.name === name) as EvaluatedModel;
    const winner = named(evaluation.winner.name);
    const headline = { name: `test_${params.metric}`, value: winner.test[params.metric].value };
    return {
      headline,
      metrics: {
        test_mae: winner.test.mae.value,
        test_mae_low: winner.test.mae.low,
        test_mae_high: winner.test.mae.high,
        test_rmse: winner.test.rmse.value,
        test_r2: winner.test.r2.value,
        test_bias: winner.test.bias.value,
        val_mae: winner.validation.mae.value,
        baseline_ridge_mae: named(ridgeBaseline).test.mae.value,
        baseline_median_mae: named(medianBaseline).test.mae.value,
      },
      facts: {
        winner: winner.name,
        network: winner.network,
        validatedOn: splits.validation,
        validationPlots: rows.validation.length,
        testedOn: splits.test,
        testPlots: rows.test.length,
        ...(figures.failed.length > 0 && { figuresNotDrawn: [...figures.failed] }),
      },
    };
  },
});
