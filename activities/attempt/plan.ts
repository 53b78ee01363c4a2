import { readFile } from 'node:fs/promises';
import { isAbsolute, relative, resolve } from 'node:path';
import type { Digest } from '../../contract/artifact.ts';
import { FurrowError } from '../../contract/errors.ts';
import {
  type ConfigContent,
  defaultConfig,
  type Plan,
  type PlanRequest,
  type StoreLocation,
} from '../../contract/messages.ts';
import { packageVersions } from '../../lib/code/fingerprints.ts';
import { parsePipeline } from '../../lib/config/parsePipeline.ts';
import { formatProblem } from '../../lib/config/problem.ts';
import { digestOfJson } from '../../lib/store/digest.ts';
import { openStore, openStoreAt, storeUri } from '../../lib/store/store.ts';
import { contractsOf, type StageCode } from './catalog.ts';
import { checkRequest } from './request.ts';

export interface PlanSettings {
  /** The folder that holds `configs/`, and that a pipeline's relative paths start from when it was started by its path. */
  readonly baseFolder: string;
}

/** Problems that one failure lists; the rest is counted. */
const listedProblems = 40;

/** Resolves a request once, before the first stage: config, store, code. Everything that follows is in the plan. */
export async function makePlan(
  { catalog, fingerprintOf }: StageCode,
  settings: PlanSettings,
  { request: given }: PlanRequest,
): Promise<Plan> {
  const request = checkRequest(given);
  const content =
    typeof request.config === 'object' ? request.config : await readConfig(request.config ?? defaultConfig, settings);
  const parsed = parsePipeline({
    text: content.text,
    file: content.file,
    set: request.set ?? {},
    env: content.env ?? process.env,
    contracts: contractsOf(catalog),
  });
  if (!parsed.ok) {
    const lines = parsed.problems.slice(0, listedProblems).map(formatProblem);
    const more = parsed.problems.length - lines.length;
    throw new FurrowError('CONFIG_INVALID', [...lines, ...(more > 0 ? [`and ${more} more`] : [])].join('\n'));
  }
  const { pipeline } = parsed;
  refuseUnknownStages(
    request.refresh ?? [],
    pipeline.stages.map((stage) => stage.name),
  );
  const fingerprints: Record<string, Digest> = {};
  for (const { uses } of pipeline.stages) fingerprints[uses] = fingerprintOf(uses);
  return {
    pipeline,
    store: request.store
      ? (await openStoreAt(request.store)).location
      : await makeStore(pipeline.store, content.baseFolder),
    baseFolder: content.baseFolder,
    configDigest: digestOfJson(pipeline),
    fingerprints,
    code: digestOfJson(fingerprints),
    packages: packageVersions(),
    noCache: request.noCache ?? false,
    refresh: request.refresh ?? [],
  };
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
