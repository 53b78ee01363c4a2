/** How a source's plots will split, from names and labels alone: by the very code that `preprocess` uses, before a pixel is read. */
import { readdir, readFile } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { parseSource, type SourceAddress } from '../../../contract/sourceAddress.ts';
import type { PreprocessParams } from '../../../contract/stages/preprocess.ts';
import { describePlots } from '../../data/group/describePlots.ts';
import { groupFiles } from '../../data/group/groupFiles.ts';
import { readLabels } from '../../data/group/labels.ts';
import { listRemote } from '../../data/source/listRemote.ts';
import type { PinnedObject } from '../../data/source/objects.ts';
import { splitPlots } from '../../data/split/splitPlots.ts';
import { syntheticBands } from '../../data/synthetic/canopy.ts';
import { layOut } from '../../data/synthetic/trial.ts';

/** Plots that train, and those that choose the best epoch; `validation` is 0 where the training plots do that, too. */
export interface PlotCounts {
  readonly train: number;
  readonly validation: number;
}

export interface GroupedPlots extends PlotCounts {
  /** Of all of them: what cross-validation can cut between. */
  readonly groups: number;
}

/**
 * Bad files are not known of: what is counted is the most that there can be.
 *
 * @throws when the source cannot be read, or nothing in it can train
 */
export async function countPlots({
  source,
  params,
  seed,
  baseFolder,
}: {
  source: string;
  params: PreprocessParams;
  seed: number;
  /** Where a `file:` source's relative path starts. */
  baseFolder: string;
}): Promise<GroupedPlots> {
  const address = parseSource(source);
  const { paths, read } = await listing(address, baseFolder);
  const columns = params.target === 'filename' ? undefined : params.target.labels;
  const hasLabels = columns !== undefined && paths.includes(columns.file);
  const labels = columns && readLabels(hasLabels ? await read(columns.file) : undefined, columns);
  const { plots } = describePlots(groupFiles(paths, params.pattern, params.bands).plots, {
    labels,
    labelsFile: columns?.file ?? '',
    group: params.group,
    splitBy: 'by' in params.split ? params.split.by : undefined,
  });
  const test = 'test' in params.split ? params.split.test : undefined;
  const splits = splitPlots(plots, { test, validation: params.validation, seed });
  const count = (split: string) => [...splits.values()].filter((of) => of === split).length;
  const groups = new Set(plots.filter(({ plot }) => splits.get(plot) !== 'test').map(({ group }) => group));
  return { train: count('train'), validation: count('validation'), groups: groups.size };
}

interface Listing {
  readonly paths: readonly string[];
  read(path: string): Promise<string>;
}

async function listing(address: SourceAddress, baseFolder: string): Promise<Listing> {
  switch (address.scheme) {
    case 'file': {
      const folder = resolve(baseFolder, address.path);
      return { paths: await listPaths(folder), read: (path) => readFile(join(folder, path), 'utf8') };
    }
    case 'archive':
      throw new RangeError('What an archive holds is known once it is fetched');
    case 'gs':
    case 'dvc':
    case 'web': {
      const { remotePlace } = await import('../../data/source/remotePlace.ts');
      const { objects } = await listRemote(address, baseFolder, {
        signal: new AbortController().signal,
        log: { info: () => {}, warn: () => {} },
      });
      const read = async (path: string) => {
        const object = objects.find((each) => each.path === path) as PinnedObject;
        return Buffer.from(await (await remotePlace.open(object)).all()).toString('utf8');
      };
      return { paths: objects.map(({ path }) => path), read };
    }
    case 'synthetic': {
      const paths = layOut(address.plots).flatMap(({ split, name }) =>
        syntheticBands.map((band) => `${split}/${name}_${band}.tif`),
      );
      return { paths, read: () => Promise.reject(new RangeError('Synthetic plots have no labels file')) };
    }
  }
}

/** With forward slashes; without hidden files, as the source itself. */
async function listPaths(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((path) => !path.split('/').some((part) => part.startsWith('.')));
}
