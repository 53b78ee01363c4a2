import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { FurrowError } from '../../contract/errors.ts';
import type { Stage, StageContract } from '../../contract/stage.ts';
import { productRoot } from '../../lib/code/root.ts';

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
  const built = dirname(fileURLToPath(import.meta.url)).startsWith(join(productRoot, 'dist'));
  const folder = join(productRoot, built ? 'dist/activities' : 'activities');
  const ending = built ? /^\w+\.js$/ : /^\w+\.ts$/;
  const files = readdirSync(folder)
    .filter((name) => ending.test(name))
    .sort();
  const stages = await Promise.all(files.map((file) => loadStage(join(folder, file), file.replace(/\.\w+$/, ''))));
  return new Map(stages.map((stage) => [stage.contract.name, stage]));
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
