import { resolve } from 'node:path';
import { FurrowError } from '../contract/errors.ts';
import { parseSource } from '../contract/sourceAddress.ts';
import { type AttemptContext, implementStage, type SourceVersion, type StageContext } from '../contract/stage.ts';
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
      case 'archive': {
        const { archiveVersion } = await import('../lib/data/source/archiveSource.ts');
        return archiveVersion(address);
      }
      case 'gs':
      case 'dvc':
      case 'web': {
        const { listRemote } = await import('../lib/data/source/listRemote.ts');
        const { versionOfObjects } = await import('../lib/data/source/objects.ts');
        const { objects, facts } = await listRemote(address, context.baseFolder, context);
        return versionOfObjects(objects, context.params.source, context.keep, facts);
      }
    }
  },

  async run(context) {
    const { source, signal, output, scratch } = context;
    if (!source) throw new FurrowError('INTERNAL', 'fetchData was run without a resolved source');
    const address = parseSource(context.params.source);
    const facts = { ...source.facts, version: source.digest };
    switch (address.scheme) {
      case 'synthetic': {
        const { fetchSynthetic, syntheticVersion } = await import('../lib/data/source/syntheticSource.ts');
        if (syntheticVersion(address.plots).digest !== source.digest) {
          const what = 'This worker makes other synthetic plots than the one that resolved the source';
          throw new FurrowError('SOURCE_CHANGED', what);
        }
        const { bytes } = await fetchSynthetic(address.plots, signal, output, told(context));
        return { facts: { ...facts, bytes } };
      }
      case 'file': {
        const { fetchFolder } = await import('../lib/data/source/folderSource.ts');
        const { bytes } = await fetchFolder(folderOf(context, address.path), source, scratch, output, told(context));
        return { facts: { ...facts, bytes } };
      }
      case 'archive': {
        const { fetchArchive } = await import('../lib/data/source/archiveSource.ts');
        return { facts: { ...facts, ...(await fetchArchive(address, context)) } };
      }
      case 'gs':
      case 'dvc':
      case 'web': {
        const { remotePlace } = await import('../lib/data/source/remotePlace.ts');
        const { fetchObjects } = await import('../lib/data/source/fetchObjects.ts');
        const { parsePins } = await import('../lib/data/source/objects.ts');
        if (!source.pins) throw new FurrowError('INTERNAL', 'The source was resolved without its objects');
        const pins = await context.kept(source.pins);
        const sums = await fetchObjects({ ...context, place: remotePlace, objects: parsePins(pins) }).catch((error) => {
          throw address.scheme === 'dvc' ? goneForGood(error) : error;
        });
        await output.attach('source.json', pins);
        return { facts: { ...facts, ...sums } };
      }
    }
  },
});

function folderOf({ baseFolder, params, signal }: AttemptContext<{ source: string }>, path: string) {
  return { folder: resolve(baseFolder, path), uri: params.source, signal };
}

function told({ progress }: Pick<StageContext, 'progress'>) {
  return (done: number, total: number, bytes: number): void =>
    progress({ doing: `fetching, ${(bytes / 1e6).toFixed(1)} MB`, done, total, metrics: { bytes } });
}

/** Asked again, a bucket lists what it has by then; what DVC wrote down names the same generation for ever. */
function goneForGood(error: unknown): unknown {
  if (!(error instanceof FurrowError) || error.code !== 'SOURCE_CHANGED') return error;
  const what = `${error.message}. Restore that generation, or \`dvc push\` again`;
  return new FurrowError('SOURCE_NOT_FOUND', what, { details: error.details, cause: error });
}
