import { resolve } from 'node:path';
import { FurrowError } from '../contract/errors.ts';
import { parseSource } from '../contract/sourceAddress.ts';
import { type AttemptContext, implementStage, type StageProgress } from '../contract/stage.ts';
import { fetchData } from '../contract/stages/fetchData.ts';

export default implementStage(fetchData, {
  async resolve(context) {
    const address = parseSource(context.params.source);
    if (address.scheme === 'synthetic') {
      const { syntheticVersion } = await import('../lib/data/source/syntheticSource.ts');
      return syntheticVersion(address.plots);
    }
    const { folderVersion } = await import('../lib/data/source/folderSource.ts');
    return folderVersion(folderOf(context, address.path));
  },

  async run(context) {
    const { source, signal, output, scratch } = context;
    if (!source) throw new FurrowError('INTERNAL', 'fetchData was run without a resolved source');
    const address = parseSource(context.params.source);
    let bytes = 0;
    const progress = (done: number, total: number, sum: number): void => {
      bytes = sum;
      context.progress(fetching(done, total, sum));
    };
    if (address.scheme === 'synthetic') {
      const { fetchSynthetic, syntheticVersion } = await import('../lib/data/source/syntheticSource.ts');
      if (syntheticVersion(address.plots).digest !== source.digest) {
        throw new FurrowError(
          'SOURCE_CHANGED',
          'This worker makes other synthetic plots than the one that resolved the source',
        );
      }
      await fetchSynthetic(address.plots, signal, output, progress);
    } else {
      const { fetchFolder } = await import('../lib/data/source/folderSource.ts');
      await fetchFolder(folderOf(context, address.path), source, scratch, output, progress);
    }
    return { facts: { ...source.facts, bytes, version: source.digest } };
  },
});

function folderOf({ baseFolder, params, signal }: AttemptContext<{ source: string }>, path: string) {
  return { folder: resolve(baseFolder, path), uri: params.source, signal };
}

function fetching(done: number, total: number, bytes: number): StageProgress {
  return { doing: `fetching, ${(bytes / 1e6).toFixed(1)} MB`, done, total, metrics: { bytes } };
}
