/** What a DVC repository names, as objects of its remote. */
import { posix, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { FurrowError } from '../../../../contract/errors.ts';
import { deliver, untilRight } from '../delivery.ts';
import type { ListContext, RemoteListing } from '../listRemote.ts';
import type { PinnedObject } from '../objects.ts';
import { remotePlace } from '../remotePlace.ts';
import { type DvcRemote, remoteOf } from './config.ts';
import { type DvcOutput, parseDirObject } from './outputs.ts';
import { type DvcRepository, openDvcRepository } from './repository.ts';

export interface DvcRequest {
  /** Absolute. */
  readonly path: string;
  readonly rev?: string;
  /** By name; otherwise the output's own, or the repository's default. */
  readonly remote?: string;
}

/** @throws FurrowError `SOURCE_NOT_FOUND`, `DATA_BAD_INPUT`, and what the remote's place throws */
export async function listDvc({ path, rev, remote }: DvcRequest, { signal, log }: ListContext): Promise<RemoteListing> {
  const { outputs, config, root, asked, commit } = await openDvcRepository(path, rev, signal);
  const objects: PinnedObject[] = [];
  for (const output of outputs) {
    const at = remoteOf(config, remote ?? output.remote);
    const url = urlOf(at, root);
    if (at.byVersion && !url.startsWith('gs://')) {
      const what = `The DVC remote \`${at.name}\` keeps versions of ${url.split(':')[0]}:, which is read on gs:// alone`;
      throw new FurrowError('SOURCE_UNKNOWN_SCHEME', what, { details: { remote: at.name } });
    }
    const files = at.byVersion ? versionedFiles(output, at, url) : await hashedFiles(output, url, { signal, log });
    objects.push(...files.map((file) => ({ ...file, path: destination(file.path, outputs, asked) })));
  }
  return { objects, facts: commit === undefined ? {} : { revision: commit } };
}

/** The output of a `.dvc` file is the source itself; of a folder, each keeps its path below it. */
function destination(path: string, outputs: readonly DvcOutput[], asked: DvcRepository['asked']): string {
  const [only] = outputs;
  // What lies elsewhere leads out of the folder, and is refused as such.
  if ('folder' in asked || outputs.length > 1 || !only)
    return posix.relative('folder' in asked ? asked.folder : posix.dirname(asked.file), path);
  return path === only.path ? posix.basename(path) : path.slice(only.path.length + 1);
}

/** Contents under their own names, told apart by generations: `version_aware` and `worktree` remotes. */
function versionedFiles({ path, md5, size, cloud, files }: DvcOutput, remote: DvcRemote, url: string): PinnedObject[] {
  const one = (
    name: string,
    of: { md5?: string | undefined; size?: number | undefined; cloud?: DvcOutput['cloud'] },
  ) => {
    const version = of.cloud?.[remote.name]?.version_id;
    if (!version || !of.md5) {
      throw new FurrowError('SOURCE_NOT_FOUND', `${name} was not pushed to \`${remote.name}\`: run \`dvc push\``, {
        details: { file: name },
      });
    }
    return {
      path: name,
      uri: `${url}/${name}#${version}`,
      md5: of.md5,
      ...(of.size !== undefined && { bytes: of.size }),
    };
  };
  if (!files) return [one(path, { md5, size, cloud })];
  return files.map((file) => one(`${path}/${file.relpath}`, file));
}

/** Contents under their md5. https://dvc.org/doc/user-guide/project-structure/internal-files#structure-of-the-cache-directory */
async function hashedFiles(output: DvcOutput, url: string, { signal, log }: ListContext): Promise<PinnedObject[]> {
  const { path, md5, size, files, hash } = output;
  if (hash === undefined) {
    throw new FurrowError(
      'DATA_BAD_INPUT',
      `${path} was added by DVC before 3: run \`dvc cache migrate\` and \`dvc commit\``,
      {
        details: { file: path },
      },
    );
  }
  const uriOf = (hash: string) => `${url}/files/md5/${hash.slice(0, 2)}/${hash.slice(2)}`;
  if (files) {
    return files.map((file) => ({
      path: `${path}/${file.relpath}`,
      uri: uriOf(file.md5),
      md5: file.md5,
      ...bytesOf(file),
    }));
  }
  if (md5 === undefined) {
    throw new FurrowError('SOURCE_NOT_FOUND', `${path} has no md5 yet: run \`dvc commit\``, {
      details: { file: path },
    });
  }
  if (!md5.endsWith('.dir')) return [{ path, uri: uriOf(md5), md5, ...bytesOf({ size }) }];
  const uri = uriOf(md5);
  const listing = { path, uri, md5: md5.slice(0, -'.dir'.length) };
  const content = await untilRight(log, signal, async () => (await deliver(remotePlace, listing, signal)).all());
  const entries = parseDirObject(content, uri);
  return entries.map((entry) => ({ path: `${path}/${entry.relpath}`, uri: uriOf(entry.md5), md5: entry.md5 }));
}

function bytesOf({ size }: { size?: number | undefined }): { bytes?: number } {
  return size === undefined ? {} : { bytes: size };
}

function urlOf({ url, name }: DvcRemote, root: string): string {
  const [, scheme] = /^([a-z][a-z0-9+.-]*):\/\//i.exec(url) ?? [];
  const plain = url.replace(/\/+$/, '');
  if (/^https?:\/\/[^/]*@|^https?:.*[?#]/i.test(url)) {
    // It would stand in every address that is kept, and in messages.
    throw new FurrowError('CONFIG_INVALID', `The DVC remote \`${name}\` has a user, password or query in its address`, {
      details: { remote: name },
    });
  }
  if (scheme === undefined) return pathToFileURL(resolve(root, '.dvc', plain)).href;
  if (['gs', 'http', 'https'].includes(scheme)) return plain;
  const known = 'folders, gs:// and http(s)://';
  throw new FurrowError('SOURCE_UNKNOWN_SCHEME', `The DVC remote \`${name}\` is on ${scheme}://; known are ${known}`, {
    details: { remote: name },
  });
}
