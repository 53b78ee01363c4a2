import { resolve } from 'node:path';
import { FurrowError } from '../contract/errors.ts';
import { parseSource } from '../contract/sourceAddress.ts';
import { type AttemptContext, implementStage, type SourceVersion, type StageProgress } from '../contract/stage.ts';
import { fetchData } from '../contract/stages/fetchData.ts';

export default implementStage(fetchData, {
  async resolve(context): Promise<SourceVersion> {
    const address = parseSource(context.params.source);
    switch (address.scheme) {
      case 'synthetic': {
        const { syntheticVersion } = await import('../lib/data/source/syntheticSource.ts');
        return syntheticVersion(address.plots);
      }
      case 'file': {
        const { folderVersion } = await import('../lib/data/source/folderSource.ts');
        return folderVersion(folderOf(context, address.path));
      }
      case 'gs':
      case 'dvc': {
        const { listRemote } = await import('../lib/data/source/listRemote.ts');
        const { versionOfObjects } = await import('../lib/data/source/objects.ts');
        const { objects, facts } = await listRemote(address, context.baseFolder, context.signal);
        return versionOfObjects(objects, context.params.source, context.keep, facts);
      }
    }
  },

  async run(context) {
    const { source, signal, output, scratch } = context;
    if (!source) throw new FurrowError('INTERNAL', 'fetchData was run without a resolved source');
    const address = parseSource(context.params.source);
    const facts = { ...source.facts, version: source.digest };
    if (address.scheme === 'gs' || address.scheme === 'dvc') {
      const { remotePlace } = await import('../lib/data/source/remotePlace.ts');
      const { fetchObjects, parsePins } = await import('../lib/data/source/objects.ts');
      if (!source.pins) throw new FurrowError('INTERNAL', 'The source was resolved without its objects');
      const pins = await context.kept(source.pins);
      const { fetchedBytes } = await fetchObjects({ ...context, place: remotePlace, objects: parsePins(pins) });
      await output.attach('source.json', pins);
      return { facts: { ...facts, fetchedBytes } };
    }
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
    return { facts: { ...facts, bytes } };
  },
});

function folderOf({ baseFolder, params, signal }: AttemptContext<{ source: string }>, path: string) {
  return { folder: resolve(baseFolder, path), uri: params.source, signal };
}

function fetching(done: number, total: number, bytes: number): StageProgress {
  return { doing: `fetching, ${(bytes / 1e6).toFixed(1)} MB`, done, total, metrics: { bytes } };
}
