import type { JsonObject } from './json.ts';

/** A lower-case hexadecimal sha256 behind its name, as in OCI: `sha256:<64 digits>`. */
export type Digest = `sha256:${string}`;

/** What an artifact is, so that a pipeline's edges can be checked before it runs. A custom stage may name its own kind. */
export type ArtifactKind = 'plots' | 'features' | 'model' | 'evaluation' | 'model-version' | 'image' | (string & {});

/** What travels through history in place of data: where it is, what it is, how large. */
export interface ArtifactRef {
  readonly uri: string;
  /** Over kind, names and contents of the files; never over times, hosts, paths or logs. */
  readonly digest: Digest;
  readonly kind: ArtifactKind;
  readonly bytes: number;
}

/** An artifact by its content alone, without the place where it lies: a store may move, and a digest must not follow it. */
export type ContentRef = Omit<ArtifactRef, 'uri'>;

export function contentRef({ digest, kind, bytes }: ArtifactRef): ContentRef {
  return { digest, kind, bytes };
}

/** One file of an artifact. `path` is relative, with forward slashes and without `..`. */
export interface ArtifactFile {
  readonly path: string;
  readonly digest: Digest;
  readonly bytes: number;
}

/** The list that an artifact's digest is taken over. Files are sorted by path. */
export interface ArtifactTree {
  readonly kind: ArtifactKind;
  readonly files: readonly ArtifactFile[];
}

/** Reads an artifact; every byte is checked against its digest on the way. */
export interface ArtifactReader {
  readonly ref: ArtifactRef;
  files(): Promise<readonly ArtifactFile[]>;
  /** The whole file. Throws `ARTIFACT_FILE_UNKNOWN` for a path that the artifact does not have. */
  read(path: string): Promise<Uint8Array>;
  /** The file in pieces, for what may be large; throws at the end when the digest does not hold. */
  stream(path: string): AsyncIterable<Uint8Array>;
  /** Writes the files (all, or those that `select` keeps) below `folder`, keeping their paths. */
  materialize(folder: string, select?: (file: ArtifactFile) => boolean): Promise<void>;
}

/** Collects a stage's output aside; the wrapper commits it once the stage has returned. */
export interface ArtifactWriter {
  add(path: string, content: Uint8Array | string): Promise<ArtifactFile>;
  /** Takes a file from disk, streamed. The file may be deleted afterwards. */
  addFile(path: string, file: string): Promise<ArtifactFile>;
  /** Takes what is in the store already; undefined when it is not. */
  addStored(path: string, content: Pick<ArtifactFile, 'digest' | 'bytes'>): Promise<ArtifactFile | undefined>;
  /** As `add`, for what is not content: logs, times, notes about the machine. Kept with the result, outside its digest. */
  attach(path: string, content: Uint8Array | string): Promise<ArtifactFile>;
  attachFile(path: string, file: string): Promise<ArtifactFile>;
}

/** What a store's manifest says of a finished stage. */
export interface FinishedStage {
  readonly key: Digest;
  readonly artifact: ArtifactRef;
  readonly attachments: readonly ArtifactFile[];
  readonly metrics: Readonly<Record<string, number>>;
  /** Small facts to explain the result: data versions, counts, chosen settings. */
  readonly facts: JsonObject;
  readonly headline?: Headline;
  readonly provenance: Provenance;
}

/** The one number that a run is known by in lists. */
export interface Headline {
  readonly name: string;
  readonly value: number;
}

/** Where a result came from. None of it enters a digest or key. */
export interface Provenance {
  readonly stage: string;
  readonly fingerprint: Digest;
  readonly runId: string;
  readonly workflowId: string;
  readonly attempt: number;
  /** How often the stage had been replayed in that run. */
  readonly replay?: number;
  readonly startedAt: string;
  readonly seconds: number;
  readonly runtime: RuntimeClass;
  /** The classes of the checkpoints that it went on from, where they were others. */
  readonly resumedFrom?: readonly RuntimeClass[];
}

/** Results are byte-identical within one class; across classes they may differ in the last bits. */
export interface RuntimeClass {
  readonly node: string;
  readonly platform: string;
  /** `tensorflow` where the stage computes with it. */
  readonly backend: string;
  readonly libtensorflow?: string;
  readonly threads: number;
  /** The vector instructions that change rounding, for example `avx512f+avx2+fma`. */
  readonly instructions: string;
}
