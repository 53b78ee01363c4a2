import { join } from 'node:path';
import type {
  ArtifactFile,
  ArtifactKind,
  ArtifactReader,
  ArtifactRef,
  ArtifactTree,
  ArtifactWriter,
  Digest,
} from '../../contract/artifact.ts';
import { FurrowError } from '../../contract/errors.ts';
import { canonicalJson } from '../../contract/json.ts';
import { forEachBounded } from '../parallel/bounded.ts';
import { copyBlob, hasBlob, holdBlob, putBlob, putBlobFile, readBlob, readBlobWhole } from './blobs.ts';
import { blobName } from './names.ts';
import { staysBelow } from './safePath.ts';
import type { Store } from './store.ts';

/** Files read or written at once: enough to keep a disk busy, few enough for a bucket's rate limits. */
const parallelFiles = 16;

export function openArtifact(store: Store, ref: ArtifactRef): ArtifactReader {
  let tree: Promise<ArtifactTree> | undefined;
  const files = async () => {
    tree ??= readTree(store, ref.digest);
    return (await tree).files;
  };
  const find = async (path: string): Promise<ArtifactFile> => {
    const file = (await files()).find((candidate) => candidate.path === path);
    if (!file) {
      throw new FurrowError('ARTIFACT_FILE_UNKNOWN', `The ${ref.kind} artifact ${ref.digest} has no file ${path}`, {
        details: { path },
      });
    }
    return file;
  };
  return {
    ref,
    files,
    async read(path) {
      return readBlobWhole(store, (await find(path)).digest);
    },
    async *stream(path) {
      yield* readBlob(store, (await find(path)).digest);
    },
    async materialize(folder, select = () => true) {
      const wanted = (await files()).filter(select);
      await forEachBounded(wanted, parallelFiles, (file) =>
        copyBlob(store, file.digest, join(folder, checkPath(file.path))),
      );
    },
  };
}

/** Collects files as blobs. Nothing refers to them until {@link StagedArtifact.seal} and the manifest that follows it. */
export interface StagedArtifact extends ArtifactWriter {
  seal(): Promise<{ ref: ArtifactRef; attachments: readonly ArtifactFile[] }>;
}

export function stageArtifact(store: Store, kind: ArtifactKind): StagedArtifact {
  const files = new Map<string, ArtifactFile>();
  const attachments = new Map<string, ArtifactFile>();
  const taker = (target: Map<string, ArtifactFile>) => ({
    async content(path: string, content: Uint8Array | string): Promise<ArtifactFile> {
      const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
      return keep(target, { path: checkPath(path), ...(await putBlob(store, bytes)) });
    },
    async file(path: string, file: string): Promise<ArtifactFile> {
      return keep(target, { path: checkPath(path), ...(await putBlobFile(store, file)) });
    },
  });
  const stored = async (path: string, { digest, bytes }: Pick<ArtifactFile, 'digest' | 'bytes'>) =>
    (await holdBlob(store, digest, bytes)) ? keep(files, { path: checkPath(path), digest, bytes }) : undefined;
  const inside = taker(files);
  const beside = taker(attachments);
  return {
    add: inside.content,
    addFile: inside.file,
    addStored: stored,
    attach: beside.content,
    attachFile: beside.file,
    async seal() {
      const sorted = sortByPath(files);
      const tree: ArtifactTree = { kind, files: sorted };
      const { digest, bytes } = await putBlob(store, new TextEncoder().encode(canonicalJson(tree)));
      const ref: ArtifactRef = {
        uri: store.driver.uriOf(blobName(digest)),
        digest,
        kind,
        bytes: sorted.reduce((sum, file) => sum + file.bytes, bytes),
      };
      return { ref, attachments: sortByPath(attachments) };
    },
  };
}

/** The first blob of an artifact that is not there, if any: a cache hit counts only when all are. */
export async function missingBlob(
  store: Store,
  ref: ArtifactRef,
  attachments: readonly ArtifactFile[],
): Promise<Digest | undefined> {
  const tree = await readTree(store, ref.digest).catch((error) => {
    if (error instanceof FurrowError && (error.code === 'BLOB_MISSING' || error.code === 'BLOB_CORRUPT'))
      return undefined;
    throw error;
  });
  if (!tree) return ref.digest;
  const distinct = new Map([...tree.files, ...attachments].map((file) => [file.digest, file]));
  let missing: Digest | undefined;
  await forEachBounded([...distinct.values()], parallelFiles, async (file) => {
    if (!missing && !(await hasBlob(store, file.digest, file.bytes))) missing = file.digest;
  });
  return missing;
}

async function readTree(store: Store, digest: Digest): Promise<ArtifactTree> {
  return JSON.parse(Buffer.from(await readBlobWhole(store, digest)).toString('utf8')) as ArtifactTree;
}

function keep(target: Map<string, ArtifactFile>, file: ArtifactFile): ArtifactFile {
  const known = target.get(file.path);
  if (known && known.digest !== file.digest)
    throw new TypeError(`${file.path} was added twice with different contents`);
  target.set(file.path, file);
  return file;
}

function sortByPath(files: ReadonlyMap<string, ArtifactFile>): ArtifactFile[] {
  return [...files.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Refuses paths that could leave the folder they are written to, on any platform. */
function checkPath(path: string): string {
  if (!staysBelow(path)) throw new TypeError(`Expected a relative path below the artifact, got \`${path}\``);
  return path;
}
