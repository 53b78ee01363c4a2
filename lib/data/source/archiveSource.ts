/** The files in an archive of a web server; the archive is known by its sha256. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArtifactFile } from '../../../contract/artifact.ts';
import { FurrowError } from '../../../contract/errors.ts';
import type { ArchiveAddress } from '../../../contract/sourceAddress.ts';
import type { SourceVersion, StageContext } from '../../../contract/stage.ts';
import { forEachBounded } from '../../parallel/bounded.ts';
import { digestOfJson } from '../../store/digest.ts';
import { staysBelow } from '../../store/safePath.ts';
import { unpack } from './archive.ts';
import { fetchProgress } from './fetchProgress.ts';
import { addHeld } from './held.ts';
import { isLitter } from './litter.ts';
import { receive } from './receive.ts';
import { remotePlace } from './remotePlace.ts';

/** Files on their way into the store at once. */
const parallelFiles = 16;

export type ArchiveFetch = Pick<
  StageContext,
  'output' | 'fetched' | 'kept' | 'scratch' | 'signal' | 'log' | 'progress'
>;

/** The address says it all: nothing is asked. A server that has other contents by now is found out when they are fetched. */
export function archiveVersion({ url, sha256, folder }: ArchiveAddress): SourceVersion {
  return { digest: digestOfJson({ source: 'archive', sha256, folder }), facts: { uri: url, sha256 } };
}

/**
 * Fetches and unpacks the archive, unless the store has all of its files.
 *
 * @throws FurrowError `SOURCE_CORRUPT` when the server sends other contents; `DATA_BAD_INPUT`, `DATA_EMPTY` for an archive that
 *   cannot be used; what the server's answers mean
 */
export async function fetchArchive(
  address: ArchiveAddress,
  fetch: ArchiveFetch,
): Promise<{ files: number; bytes: number; fetchedBytes: number }> {
  const { output, fetched, scratch } = fetch;
  const { url, sha256, folder } = address;
  const name = `files of sha256:${sha256} below /${folder}`;
  let files = await knownFiles(name, fetch);
  let fetchedBytes = 0;
  if (!files) {
    const archive = join(scratch, 'archive');
    fetchedBytes = await fetchTo(archive, address, fetch);
    files = await unpackInto(output, archive, address, fetch);
    await rm(archive);
  }
  const listing = await output.attach('source.json', `${JSON.stringify({ uri: url, sha256, folder, files })}\n`);
  await fetched.note(name, listing);
  await fetched.flush();
  return { files: files.length, bytes: files.reduce((sum, file) => sum + file.bytes, 0), fetchedBytes };
}

/** Undefined unless the store has all of them. */
async function knownFiles(
  name: string,
  { output, fetched, kept }: ArchiveFetch,
): Promise<readonly ArtifactFile[] | undefined> {
  const listing = await fetched.find(name);
  const content = listing && (await kept(listing.digest).catch(() => undefined));
  if (!content) return undefined;
  const { files } = JSON.parse(Buffer.from(content).toString('utf8')) as { files: readonly ArtifactFile[] };
  let found = 0;
  await forEachBounded(files, parallelFiles, async (file) => {
    if (await output.addStored(file.path, file)) found++;
  });
  return found === files.length ? files : undefined;
}

async function fetchTo(
  file: string,
  { url, sha256, name }: ArchiveAddress,
  { fetched, signal, log, progress }: ArchiveFetch,
): Promise<number> {
  const receiver = { place: remotePlace, fetched, signal, log, progress: fetchProgress(progress, [{}]) };
  const { held, fetchedBytes } = await receive({ path: name, uri: url, sha256 }, file, receiver);
  if ('content' in held) await writeFile(file, held.content);
  return fetchedBytes;
}

async function unpackInto(
  output: ArchiveFetch['output'],
  file: string,
  { url, format, folder }: ArchiveAddress,
  { scratch, signal, progress }: ArchiveFetch,
): Promise<readonly ArtifactFile[]> {
  const files: ArtifactFile[] = [];
  const seen = new Set<string>();
  await forEachBounded(unpack({ file, format, uri: url }, scratch, signal), parallelFiles, async ({ path, held }) => {
    if (!staysBelow(path)) throw refused(url, path, 'leads out of a folder');
    const below = folder === '' ? path : path.startsWith(`${folder}/`) && path.slice(folder.length + 1);
    if (!below || below.split('/').some(isLitter)) {
      if ('file' in held) await rm(held.file);
      return;
    }
    if (seen.size === seen.add(below).size) throw refused(url, path, 'is in it twice');
    files.push(await addHeld(output, below, held));
    progress({ doing: `unpacking, ${files.length} files` });
  });
  if (files.length > 0) return files.sort((a, b) => (a.path < b.path ? -1 : 1));
  const where = folder === '' ? '' : ` below ${folder}/`;
  throw new FurrowError('DATA_EMPTY', `The archive ${url} holds no file${where}`, { details: { uri: url } });
}

function refused(uri: string, file: string, what: string): FurrowError {
  return new FurrowError('DATA_BAD_INPUT', `The archive ${uri} has a file ${file}, which ${what}`, {
    details: { uri, file },
  });
}
