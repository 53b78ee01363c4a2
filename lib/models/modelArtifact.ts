/** The files of a model artifact in a folder, written by the trainer and read for prediction. */
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FurrowError } from '../../contract/errors.ts';
import type { FeaturesDescription } from '../../contract/features.ts';
import type { JsonObject } from '../../contract/json.ts';
import { canonicalJson } from '../../contract/json.ts';
import { type ModelDescription, modelFiles, type WeightSpec } from '../../contract/model.ts';
import { resultParams } from '../../contract/params.ts';
import { type TrainParams, trainParams } from '../../contract/stages/train.ts';
import { floatsOf, floatsToBytes } from './floats.ts';
import { readLargeFile } from './largeFile.ts';
import { type ChannelStatistics, unchanged } from './standardize.ts';

export interface ModelTensor extends WeightSpec {
  readonly values: Float32Array;
}

/** Operational parameters stay out: they must not change the artifact's digest. */
export function describeModel(
  params: TrainParams,
  features: FeaturesDescription,
  tensors: readonly ModelTensor[],
  members = 1,
): ModelDescription {
  return {
    format: 2,
    network: params.model,
    params: resultParams(trainParams, params as JsonObject),
    input: { preprocessing: features.preprocessing, channels: features.channels, ...statisticsOf(params, features) },
    target: features.target,
    members,
    weights: tensors.map(({ name, shape }) => ({ name, shape })),
  };
}

/** What inputs are standardised by before the network sees them. */
function statisticsOf(params: TrainParams, { statistics, channels }: FeaturesDescription): ChannelStatistics {
  return params.model === 'ridge' || params.standardize.inputs ? statistics : unchanged(channels.length);
}

export async function writeModel(
  folder: string,
  description: ModelDescription,
  tensors: readonly ModelTensor[],
): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, modelFiles.weights), Buffer.concat(tensors.map(({ values }) => floatsToBytes(values))));
  await writeFile(join(folder, modelFiles.description), `${canonicalJson(description)}\n`);
}

/** @throws FurrowError `ARTIFACT_FILE_UNKNOWN` when the folder holds no model, or one that this program cannot read */
export async function readModel(
  folder: string,
): Promise<{ readonly description: ModelDescription; readonly weights: ReadonlyMap<string, ModelTensor> }> {
  const description = await readDescription(folder);
  const bytes = await readPart(folder, modelFiles.weights);
  const weights = new Map<string, ModelTensor>();
  let offset = 0;
  for (const { name, shape } of description.weights) {
    const length = shape.reduce((product, size) => product * size, 1);
    if (offset + length * 4 > bytes.length) throw unreadable(`has ${bytes.length} bytes of weights, too few`);
    weights.set(name, { name, shape, values: floatsOf(bytes, offset, length) });
    offset += length * 4;
  }
  if (offset !== bytes.length) throw unreadable(`has ${bytes.length} bytes of weights, expected ${offset}`);
  return { description, weights };
}

/** Without its weights, which may be gigabytes. @throws FurrowError as {@link readModel} */
export async function readDescription(folder: string): Promise<ModelDescription> {
  const description = JSON.parse((await readPart(folder, modelFiles.description)).toString('utf8')) as ModelDescription;
  if (description.format !== 2) {
    throw unreadable(`is of format ${String(description.format)}, this program reads format 2`);
  }
  return description;
}

/**
 * Writes what a cross-validated model predicts for plots by the networks that did not learn from them.
 *
 * @param plots their names, in the order of the predictions: only their digest is kept
 * @param predictions `[plots]`, in the target's unit
 */
export async function writeHeldOut(folder: string, plots: readonly string[], predictions: Float32Array): Promise<void> {
  const content = Buffer.concat([digestOfNames(plots), floatsToBytes(predictions)]);
  await writeFile(join(folder, modelFiles.heldOut), content);
}

/**
 * Reads it back; undefined for a model that is not cross-validated.
 *
 * @throws FurrowError `ARTIFACT_FILE_UNKNOWN` when it was written for other plots, or in another order
 */
export async function readHeldOut(
  folder: string,
  { params }: ModelDescription,
  plots: readonly string[],
): Promise<Float32Array | undefined> {
  if (params.folds === undefined) return undefined;
  const bytes = await readPart(folder, modelFiles.heldOut);
  const names = digestOfNames(plots);
  if (bytes.length !== names.length + plots.length * 4 || !names.equals(bytes.subarray(0, names.length)))
    throw unreadable(
      'was cross-validated on other plots than these features hold: take both from one preprocess stage',
    );
  return floatsOf(bytes, names.length, plots.length);
}

function digestOfNames(plots: readonly string[]): Buffer {
  return createHash('sha256').update(JSON.stringify(plots)).digest();
}

async function readPart(folder: string, path: string): Promise<Buffer> {
  try {
    return await readLargeFile(join(folder, path));
  } catch (cause) {
    throw unreadable(`has no readable ${path}`, cause);
  }
}

function unreadable(what: string, cause?: unknown): FurrowError {
  return new FurrowError('ARTIFACT_FILE_UNKNOWN', `The model artifact ${what}`, { cause });
}
