import { implementStage } from '../contract/stage.ts';
import { preprocess } from '../contract/stages/preprocess.ts';

export default implementStage(preprocess, {
  async run({ params, inputs, seed, scratch, output, signal, log, progress }) {
    const { preprocessPlots, skippedFacts } = await import('../lib/data/preprocess.ts');
    const { plots, levels, skipped, ignoredFiles, ignoredBands, invalidPixels } = await preprocessPlots({
      plots: inputs.plots.artifact,
      params,
      seed,
      scratch,
      output,
      signal,
      log,
      progress: (doing, done, total) => progress({ doing, done, total }),
    });
    // Attached, outside the digest: the features say what is in them, this says what is not.
    if (skipped.length > 0) await output.attach('skipped.json', `${JSON.stringify(skipped, null, 2)}\n`);
    return {
      metrics: { plots_train: plots.train, plots_validation: plots.validation, plots_test: plots.test },
      facts: {
        plots,
        ...(levels ? { levels } : {}),
        skipped: skippedFacts(skipped),
        ignoredFiles,
        ignoredBands,
        invalidPixels,
      },
    };
  },
});
