import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelDescription } from '../contract/model.ts';
import { type ModelVersion, versionFiles } from '../contract/registry.ts';
import type { Band } from '../lib/data/plot/fit.ts';
import { preprocessPlot } from '../lib/data/plot/preprocessPlot.ts';
import { loadModel } from '../lib/models/predict.ts';

/** A registered model, ready to answer. */
export interface Predictor {
  readonly model: string;
  readonly version: number;
  readonly description: ModelDescription;
  /** In the target's unit. @throws FurrowError `DATA_BAD_INPUT` for a plot that the model cannot take */
  predict(bands: ReadonlyMap<string, Band>): Promise<number>;
  dispose(): void;
}

/**
 * Loads the model of an image, and predicts once, so that the first question is answered as fast as the next.
 *
 * @param folder with `model.json`, `weights.f32` and `version.json`
 */
export async function openPredictor(folder: string): Promise<Predictor> {
  const { model, version } = JSON.parse(await readFile(join(folder, versionFiles.version), 'utf8')) as ModelVersion;
  const loaded = await loadModel(folder);
  const { input } = loaded.description;
  const { height, width } = input.preprocessing;
  await loaded.predict(new Float32Array(height * width * input.channels.length));
  return {
    model,
    version,
    description: loaded.description,
    async predict(bands) {
      const [prediction] = await loaded.predict(preprocessPlot(bands, input.preprocessing));
      return prediction as number;
    },
    dispose: () => loaded.dispose(),
  };
}
