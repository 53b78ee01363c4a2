import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { FurrowError } from '../../contract/errors.ts';

/**
 * The modules of the files in `activities/`, by file name without its ending. The client's bundle is one file: there the build
 * puts the list in the place of this module.
 */
export async function importStageFiles(): Promise<ReadonlyMap<string, { default?: unknown }>> {
  const folder = stagesFolder(dirname(fileURLToPath(import.meta.url)));
  const files = readdirSync(folder)
    .filter((name) => /^\w+\.[jt]s$/.test(name))
    .sort();
  const modules = await Promise.all(
    files.map((file) => import(/* @vite-ignore */ pathToFileURL(join(folder, file)).href)),
  );
  return new Map(files.map((file, index) => [file.replace(/\.\w+$/, ''), modules[index] as { default?: unknown }]));
}

/** The nearest `activities` folder above: that of the sources, or of the worker's build. */
function stagesFolder(from: string): string {
  for (let folder = from; folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, 'activities'))) return join(folder, 'activities');
  }
  throw new FurrowError('SETUP_INCOMPLETE', 'The folder with the stages is not there');
}
