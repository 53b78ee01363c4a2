import type { Digest } from '../../contract/artifact.ts';
import { FurrowError } from '../../contract/errors.ts';
import type { Stage, StageContract } from '../../contract/stage.ts';
import { importStageFiles } from './stageFiles.ts';

export type Catalog = ReadonlyMap<string, Stage>;

/** The stages of a worker, and what the code of each is known by. */
export interface StageCode {
  readonly catalog: Catalog;
  readonly fingerprintOf: (uses: string) => Digest;
}

let loaded: Promise<Catalog> | undefined;

/**
 * The stages that a config can use: the default exports of the files in `activities/`, by name. A new file there is a new stage.
 * Loading them loads their schemas, not what they compute with.
 */
export function loadCatalog(): Promise<Catalog> {
  loaded ??= load();
  return loaded;
}

export async function loadContracts(): Promise<ReadonlyMap<string, StageContract>> {
  return contractsOf(await loadCatalog());
}

export function contractsOf(catalog: Catalog): ReadonlyMap<string, StageContract> {
  return new Map([...catalog].map(([name, stage]) => [name, stage.contract]));
}

async function load(): Promise<Catalog> {
  const modules = await importStageFiles();
  return new Map([...modules].map(([name, module]) => [name, stageOf(name, module)]));
}

function stageOf(name: string, module: { default?: unknown }): Stage {
  const stage = module.default as Stage | undefined;
  if (stage?.contract?.name !== name) {
    const message = `activities/${name}.ts must export a stage named ${name} as its default`;
    throw new FurrowError('STAGE_UNKNOWN', message, { details: { name } });
  }
  return stage;
}
