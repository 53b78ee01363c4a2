/** A folder as a source: its version is over the names and contents of its files, and nothing outside it is read. */
import { copyFile, open, readdir, realpath, rm, stat } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import type { ArtifactFile, ArtifactWriter, Digest } from '../../../contract/artifact.ts';
import { FurrowError } from '../../../contract/errors.ts';
import type { SourceVersion } from '../../../contract/stage.ts';
import { forEachBounded } from '../../parallel/bounded.ts';
import { digestOf, digestOfFile, digestOfJson } from '../../store/digest.ts';
import { isLitter } from './litter.ts';

interface SourceFile {
  /** Below the folder, with forward slashes. */
  readonly path: string;
  readonly digest: Digest;
  readonly bytes: number;
}

export interface FolderFetch {
  readonly folder: string;
  /** As the config says it: what messages and facts show, so that they are the same on every machine. */
  readonly uri: string;
  readonly signal: AbortSignal;
}

/**
 * What the folder holds now: a digest over sorted (path, sha256). Hidden files and the litter of operating systems are left out.
 *
 * @throws FurrowError `SOURCE_NOT_FOUND`; `DATA_EMPTY`; `DATA_BAD_INPUT` for links that leave the folder.
 */
export async function folderVersion({ folder, uri, signal }: FolderFetch): Promise<SourceVersion> {
  const files: SourceFile[] = [];
  await forEachBounded(await listFiles(folder, uri), parallelFiles, async ({ path, file }) => {
    signal.throwIfAborted();
    files.push({ path, ...(await digest(file, path)) });
  });
  return version(files, uri);
}

/**
 * Copies the folder into `output`, and checks that what was copied is what was resolved.
 *
 * What is hashed and what is kept are the same bytes, so the digest that the store returns is the check: a small file is read once,
 * a large one is copied first.
 *
 * @param scratch an empty folder, with room for as many large files as are in flight
 * @throws FurrowError `SOURCE_CHANGED` when names or contents are not those of `expected` any more; as {@link folderVersion}.
 */
export async function fetchFolder(
  { folder, uri, signal }: FolderFetch,
  expected: SourceVersion,
  scratch: string,
  output: ArtifactWriter,
  progress: (files: number, of: number, bytes: number) => void,
): Promise<{ bytes: number }> {
  const found = await listFiles(folder, uri);
  const files: SourceFile[] = [];
  let bytes = 0;
  await forEachBounded(found, parallelFiles, async ({ path, file }, index) => {
    signal.throwIfAborted();
    const gone = (cause: unknown): never => {
      throw changed(uri, `${path} is gone`, cause);
    };
    const content = await readSmall(file).catch(gone);
    let added: ArtifactFile;
    if (content) added = await output.add(path, content);
    else {
      const copy = join(scratch, `file-${index}`);
      await copyFile(file, copy).catch(gone);
      added = await output.addFile(path, copy);
      await rm(copy, { force: true });
    }
    files.push({ path, digest: added.digest, bytes: added.bytes });
    bytes += added.bytes;
    progress(files.length, found.length, bytes);
  });
  if (version(files, uri).digest !== expected.digest) throw changed(uri, 'it is not what was resolved any more');
  return { bytes };
}

function version(files: readonly SourceFile[], uri: string): SourceVersion {
  const sorted = files.map((file) => [file.path, file.digest] as const).sort(([a], [b]) => (a < b ? -1 : 1));
  const digest = digestOfJson({ source: 'files', files: sorted });
  return { digest, facts: { uri, files: files.length, bytes: files.reduce((sum, file) => sum + file.bytes, 0) } };
}

async function digest(file: string, path: string): Promise<{ digest: Digest; bytes: number }> {
  const read = async () => {
    const content = await readSmall(file);
    return content ? { digest: digestOf(content), bytes: content.length } : digestOfFile(file);
  };
  return read().catch((cause: unknown) => {
    throw new FurrowError('SOURCE_NOT_FOUND', `The source's ${path} cannot be read`, {
      details: { file: path },
      cause,
    });
  });
}

/** Undefined for a file of more than {@link readWhole}. */
async function readSmall(file: string): Promise<Uint8Array | undefined> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    if (size > readWhole) return undefined;
    const content = new Uint8Array(size);
    let length = 0;
    while (length < size) {
      const { bytesRead } = await handle.read(content, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return content.subarray(0, length);
  } finally {
    await handle.close();
  }
}

/** The regular files below a folder, sorted by path; links are followed as long as they stay inside. */
async function listFiles(folder: string, uri: string): Promise<{ path: string; file: string }[]> {
  const root = await realpath(resolve(folder)).catch((cause: unknown) => {
    throw new FurrowError('SOURCE_NOT_FOUND', `There is no folder \`${uri}\` on this worker`, {
      details: { uri },
      cause,
    });
  });
  if (!(await stat(root)).isDirectory()) {
    throw new FurrowError('SOURCE_NOT_FOUND', `\`${uri}\` is a file, expected a folder`, { details: { uri } });
  }
  const files: { path: string; file: string }[] = [];
  const escaping: string[] = [];
  await walk({ root, folder: root, seen: new Set([root]), files, escaping });
  if (escaping.length > 0) {
    const shown = escaping.sort().slice(0, mostShown).join(', ');
    throw new FurrowError(
      'DATA_BAD_INPUT',
      `The source \`${uri}\` has links that lead out of it or nowhere: ${shown}`,
      {
        details: { count: escaping.length },
      },
    );
  }
  if (files.length === 0)
    throw new FurrowError('DATA_EMPTY', `The source \`${uri}\` holds no file`, { details: { uri } });
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

interface Walk {
  readonly root: string;
  readonly folder: string;
  /** Folders on the way here, so that a link to one of them does not go round for ever. */
  readonly seen: ReadonlySet<string>;
  readonly files: { path: string; file: string }[];
  readonly escaping: string[];
  /** The path that `folder` is known by, when a link leads to it. */
  readonly prefix?: string;
}

async function walk({ root, folder, seen, files, escaping, prefix = '' }: Walk): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (isLitter(entry.name)) continue;
    const path = `${prefix}${entry.name}`;
    const place = join(folder, entry.name);
    if (entry.isFile()) files.push({ path, file: place });
    else if (entry.isDirectory())
      await walk({ root, folder: place, seen: new Set([...seen, place]), files, escaping, prefix: `${path}/` });
    else if (entry.isSymbolicLink()) {
      const target = await realpath(place).catch(() => undefined);
      if (target === undefined || !isWithin(root, target) || seen.has(target)) {
        escaping.push(path);
        continue;
      }
      const kind = await stat(target);
      if (kind.isFile()) files.push({ path, file: target });
      if (kind.isDirectory())
        await walk({ root, folder: target, seen: new Set([...seen, target]), files, escaping, prefix: `${path}/` });
    }
    // Sockets, pipes and devices are no data.
  }
}

function isWithin(root: string, target: string): boolean {
  const path = relative(root, target);
  return path !== '' && path !== '..' && !path.startsWith(`..${sep}`);
}

const mostShown = 20;

/** Files in flight: enough that small ones do not wait for a disk's latency one after another. */
const parallelFiles = 16;

/** Bytes. Up to here a file is read whole, a third of the time of streaming it; so many at once are still little memory. */
const readWhole = 2 ** 20;

function changed(uri: string, what: string, cause?: unknown): FurrowError {
  return new FurrowError('SOURCE_CHANGED', `The source \`${uri}\` changed while it was read: ${what}`, {
    details: { uri },
    cause,
  });
}
