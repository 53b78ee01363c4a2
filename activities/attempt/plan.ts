import { readFile } from 'node:fs/promises';
import { isAbsolute, relative, resolve } from 'node:path';
import type { Digest } from '../../contract/artifact.ts';
import type { ResolvedPipeline } from '../../contract/config.ts';
import { FurrowError } from '../../contract/errors.ts';
import {
  type ConfigContent,
  defaultConfig,
  type Plan,
  type PlanRequest,
  type StoreLocation,
  type TrainPipelineRequest,
} from '../../contract/messages.ts';
import { commitOf } from '../../lib/code/commit.ts';
import { packageVersions } from '../../lib/code/fingerprints.ts';
import { type PipelineRequest, parsePipeline } from '../../lib/config/parsePipeline.ts';
import { formatProblem } from '../../lib/config/problem.ts';
import { digestOfJson } from '../../lib/store/digest.ts';
import { openStore, openStoreAt, storeUri } from '../../lib/store/store.ts';
import { decideTracking } from '../../lib/tracking/wandb/mode.ts';
import { contractsOf, type StageCode } from './catalog.ts';
import { checkRequest } from './request.ts';
import type { UiSettings } from './tracking.ts';

export interface PlanSettings extends UiSettings {
  /** The folder that holds `configs/`, and that a pipeline's relative paths start from when it was started by its path. */
  readonly baseFolder: string;
}

/** Problems that one failure lists; the rest is counted. */
const listedProblems = 40;

/** Resolves a request once, before the first stage: config, store, code. Everything that follows is in the plan. */
export async function makePlan(
  code: StageCode,
  settings: PlanSettings,
  { request: given }: PlanRequest,
): Promise<Plan> {
  const request = checkRequest(given);
  const content =
    typeof request.config === 'object' ? request.config : await readConfig(request.config ?? defaultConfig, settings);
  const pipeline = withAnswer(
    resolvePipeline(code, {
      text: content.text,
      file: content.file,
      set: request.set ?? {},
      env: content.env ?? process.env,
    }),
    request,
  );
  const commit = content.commit ?? (typeof request.config === 'object' ? undefined : commitOf(content.baseFolder));
  refuseUnknownStages(
    request.refresh ?? [],
    pipeline.stages.map((stage) => stage.name),
  );
  return {
    pipeline,
    store: request.store
      ? (await openStoreAt(request.store)).location
      : await makeStore(pipeline.store, content.baseFolder),
    baseFolder: content.baseFolder,
    configDigest: digestOfJson(pipeline),
    ...codeOf(code, pipeline),
    packages: packageVersions(),
    noCache: request.noCache ?? false,
    refresh: request.refresh ?? [],
    ...(request.replayOf && { replayOf: request.replayOf }),
    ...(await trackingOf(pipeline)),
    ...(commit && { commit }),
  };
}

/** Whether there is a key is a matter of this worker: decided once, and said in the plan. */
export async function trackingOf({ tracking }: ResolvedPipeline): Promise<Pick<Plan, 'tracking'>> {
  return tracking?.wandb ? { tracking: await decideTracking(tracking.wandb) } : {};
}

/** @throws FurrowError `CONFIG_INVALID` with every problem */
export function resolvePipeline(
  { catalog }: StageCode,
  file: Pick<PipelineRequest, 'text' | 'file' | 'set' | 'env'>,
): ResolvedPipeline {
  const parsed = parsePipeline({ ...file, contracts: contractsOf(catalog) });
  if (parsed.ok) return parsed.pipeline;
  const lines = parsed.problems.slice(0, listedProblems).map(formatProblem);
  const more = parsed.problems.length - lines.length;
  throw new FurrowError('CONFIG_INVALID', [...lines, ...(more > 0 ? [`and ${more} more`] : [])].join('\n'));
}

/** The code of each stage that the pipeline uses, as this worker has it, and the digest over all of them. */
export function codeOf(
  { fingerprintOf }: StageCode,
  { stages }: ResolvedPipeline,
): Pick<Plan, 'fingerprints' | 'code'> {
  const fingerprints: Record<string, Digest> = {};
  for (const { uses } of stages) fingerprints[uses] = fingerprintOf(uses);
  return { fingerprints, code: digestOfJson(fingerprints) };
}

/** Who starts a run knows whether somebody is there to look at a failure. */
function withAnswer(pipeline: ResolvedPipeline, { onFailure }: TrainPipelineRequest): ResolvedPipeline {
  return onFailure ? { ...pipeline, onFailure } : pipeline;
}

/** A path from `temporal workflow start` names a file in this worker's configs folder, and none elsewhere on its machine. */
async function readConfig(path: string, { baseFolder }: PlanSettings): Promise<ConfigContent> {
  const configs = resolve(baseFolder, 'configs');
  const file = resolve(baseFolder, path.startsWith('configs/') ? path : `configs/${path}`);
  const below = relative(configs, file);
  if (isAbsolute(path) || below.startsWith('..') || isAbsolute(below)) {
    throw new FurrowError('CONFIG_NOT_FOUND', `${path} is outside the worker's configs folder`, { details: { path } });
  }
  try {
    return { file: path, text: await readFile(file, 'utf8'), baseFolder };
  } catch (cause) {
    throw new FurrowError('CONFIG_NOT_FOUND', `The worker has no ${path}`, { details: { path }, cause });
  }
}

async function makeStore(store: string, baseFolder: string): Promise<StoreLocation> {
  return (await openStore(storeUri(store, baseFolder), { create: true })).location;
}

function refuseUnknownStages(refresh: readonly string[], known: readonly string[]): void {
  const unknown = refresh.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw new FurrowError(
      'CONFIG_INVALID',
      `refresh names ${unknown.join(', ')}; the pipeline's stages are ${known.join(', ')}`,
    );
  }
}
