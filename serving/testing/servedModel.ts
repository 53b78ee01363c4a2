/** Models for tests, made by hand: nothing is trained, the answers are whatever the weights say. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Digest } from '../../contract/artifact.ts';
import type { FeaturesDescription } from '../../contract/features.ts';
import { type ModelVersion, versionFiles } from '../../contract/registry.ts';
import { trainParams } from '../../contract/stages/train.ts';
import { writeTiff } from '../../lib/data/raster/writeTiff.ts';
import { describeModel, type ModelTensor, writeModel } from '../../lib/models/modelArtifact.ts';
import { networkFor } from '../../lib/models/networks/networkFor.ts';
import { uniforms } from '../../lib/models/random.ts';

export const bands = ['green', 'red', 'red_edge', 'nir'] as const;
export const size = { height: 20, width: 16 } as const;

const features: FeaturesDescription = {
  format: 1,
  preprocessing: { bands, indices: ['ndvi'], ...size, fit: 'resize', fill: [0.1, 0.2, 0.3, 0.4] },
  channels: [...bands, 'ndvi'],
  statistics: { mean: [0.5, 0.5, 0.5, 0.5, 0], std: [0.3, 0.3, 0.3, 0.3, 0.5] },
  target: { name: 'nitrogen', unit: 'kg/ha' },
  plots: { train: 0, validation: 0, test: 0 },
  plotsPerShard: 1,
};

/** Writes `model.json`, `weights.f32` and `version.json`, as they lie in an image. */
export async function writeServedModel(folder: string, network: 'ridge' | 'convnet2d'): Promise<ModelVersion> {
  const params = trainParams.parse(network === 'ridge' ? { model: network } : { model: network, filters: [8, 8] });
  const tensors = params.model === 'ridge' ? ridgeTensors() : networkTensors(params);
  await writeModel(folder, describeModel(params, features, tensors), tensors);
  const version = versionOf(network);
  await writeFile(join(folder, versionFiles.version), JSON.stringify(version));
  return version;
}

export function versionOf(network: string): ModelVersion {
  return {
    format: 1,
    model: 'nitrogen',
    version: 3,
    winner: { name: 'best', network },
    target: features.target,
    lineage: {
      model: { digest: digest('a'), kind: 'model', bytes: 1 },
      evaluation: { digest: digest('b'), kind: 'evaluation', bytes: 1 },
      key: digest('c'),
    },
    metrics: { test_mae: 20 },
  };
}

/** One file a band, of 23 x 17 pixels: not what the model takes, so that fitting counts. */
export function plotTiffs(seed: number): ReadonlyMap<string, Uint8Array<ArrayBuffer>> {
  return new Map(bands.map((band, i) => [band, new Uint8Array(writeTiff(17, 23, random(17 * 23, seed * 10 + i)))]));
}

function ridgeTensors(): ModelTensor[] {
  const shape = [2 * features.channels.length];
  return [
    { name: 'coefficients', shape, values: random(10, 1).map((value) => 40 * value - 20) },
    { name: 'intercept', shape: [1], values: Float32Array.of(140) },
    { name: 'mean', shape, values: random(10, 2) },
    { name: 'scale', shape, values: random(10, 3).map((value) => value + 0.5) },
    { name: 'range', shape: [2], values: Float32Array.of(-1e6, 1e6) },
  ];
}

function networkTensors(params: Exclude<ReturnType<typeof trainParams.parse>, { model: 'ridge' }>): ModelTensor[] {
  const plan = networkFor(params).plan({ ...size, channels: features.channels.length });
  return [
    ...plan.map(({ name, shape }, i) => {
      const length = shape.reduce((product, each) => product * each, 1);
      // Positive, as variances among them must be.
      return { name: `0/${name}`, shape, values: random(length, 100 + i).map((value) => value * 0.1 + 0.01) };
    }),
    { name: '0/target/mean', shape: [1], values: Float32Array.of(150) },
    { name: '0/target/std', shape: [1], values: Float32Array.of(2) },
  ];
}

function random(count: number, seed: number): Float32Array {
  return Float32Array.from(uniforms({ seed, use: 'weights' }, count));
}

function digest(mark: string): Digest {
  return `sha256:${mark.repeat(64)}`;
}
