import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { FurrowError } from '../../contract/errors.ts';
import type { Stage, StageContract } from '../../contract/stage.ts';

export type Catalog = ReadonlyMap<string, Stage>;

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
  return new Map([...(await loadCatalog())].map(([name, stage]) => [name, stage.contract]));
}

async function load(): Promise<Catalog> {
  const folder = stagesFolder(dirname(fileURLToPath(import.meta.url)));
  const files = readdirSync(folder)
    .filter((name) => /^\w+\.[jt]s$/.test(name))
    .sort();
  const stages = await Promise.all(files.map((file) => loadStage(join(folder, file), file.replace(/\.\w+$/, ''))));
  return new Map(stages.map((stage) => [stage.contract.name, stage]));
}

/** The nearest `activities` folder above: that of the sources, of the worker's build, or of the client's. */
function stagesFolder(from: string): string {
  for (let folder = from; folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, 'activities'))) return join(folder, 'activities');
  }
  throw new FurrowError('SETUP_INCOMPLETE', 'The folder with the stages is not there');
}

async function loadStage(path: string, name: string): Promise<Stage> {
  const module = (await import(/* @vite-ignore */ pathToFileURL(path).href)) as { default?: Stage };
  if (module.default?.contract?.name !== name) {
    throw new FurrowError('STAGE_UNKNOWN', `activities/${name}.ts must export a stage named ${name} as its default`, {
      details: { name },
    });
  }
  return module.default;
}
