/** For tests: a folder of its own, a real store in it, and attempts of stages without Temporal. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { z } from 'zod';
import type { ArtifactReader, ArtifactRef } from '../../contract/artifact.ts';
import type { JsonObject } from '../../contract/json.ts';
import type {
  InputRules,
  Stage,
  StageContext,
  StageInputs,
  StageLog,
  StageOutcome,
  StageProgress,
} from '../../contract/stage.ts';
import { openArtifact, stageArtifact } from '../store/artifacts.ts';
import { putBlob, readBlobWhole } from '../store/blobs.ts';
import { fetchedOf } from '../store/fetched.ts';
import { openStore } from '../store/store.ts';

export interface Workbench {
  readonly folder: string;
  /** Makes an artifact of files. */
  artifact(kind: string, files: Readonly<Record<string, Uint8Array | string>>): Promise<ArtifactReader>;
  /** Writes an artifact's files into a new folder. */
  unpack(artifact: ArtifactReader): Promise<string>;
  /** Parses the parameters, resolves a source, and runs the stage. */
  run<P extends z.ZodType, I extends InputRules>(stage: Stage<P, I>, attempt: Attempt): Promise<FinishedAttempt>;
  remove(): Promise<void>;
}

export interface Attempt {
  readonly params?: JsonObject;
  readonly inputs?: Readonly<Record<string, ArtifactReader>>;
  readonly seed?: number;
  readonly signal?: AbortSignal;
  /** Runs between resolving a source and fetching it. */
  readonly afterResolve?: () => Promise<void>;
  readonly onProgress?: (update: StageProgress) => void;
  readonly onWarning?: StageLog['warn'];
}

export interface FinishedAttempt {
  readonly ref: ArtifactRef;
  readonly artifact: ArtifactReader;
  /** Names of the files beside the artifact. */
  readonly attachments: readonly string[];
  readonly outcome: StageOutcome;
}

/**
 * @param given the folder to work in, with its store if it has one; a new one without it
 * @param storeAt another place for the store
 */
export async function openWorkbench(given?: string, storeAt?: string): Promise<Workbench> {
  const folder = given ?? (await mkdtemp(join(tmpdir(), 'furrow-data-')));
  const store = await openStore(storeAt ?? pathToFileURL(join(folder, 'store')).href, { create: true });
  let count = 0;
  return {
    folder,
    async artifact(kind, files) {
      const staged = stageArtifact(store, kind);
      for (const [path, content] of Object.entries(files)) await staged.add(path, content);
      return openArtifact(store, (await staged.seal()).ref);
    },
    async unpack(artifact) {
      const target = join(folder, `unpacked-${count++}`);
      await artifact.materialize(target);
      return target;
    },
    async run(stage, { params = {}, inputs = {}, seed = 0, signal, afterResolve, onProgress, onWarning }) {
      const scratch = await mkdtemp(join(folder, 'scratch-'));
      const output = stageArtifact(store, stage.contract.output);
      const attempt = {
        stage: stage.contract.name,
        pipeline: 'test',
        params: stage.contract.params.parse(params),
        signal: signal ?? new AbortController().signal,
        log: { info: () => undefined, warn: (message: string, fields?: JsonObject) => onWarning?.(message, fields) },
        scratch,
        baseFolder: folder,
      };
      const keep = async (content: Uint8Array) => (await putBlob(store, content)).digest;
      const source = await stage.implementation.resolve?.({ ...attempt, keep });
      await afterResolve?.();
      const outcome = await stage.implementation.run({
        ...attempt,
        inputs: Object.fromEntries(
          Object.entries(inputs).map(([name, artifact]) => [name, { stage: name, artifact, metrics: {} }]),
        ) as StageInputs<InputRules> as never,
        seed,
        key: `sha256:${'0'.repeat(64)}`,
        attempt: 1,
        source,
        kept: (digest) => readBlobWhole(store, digest),
        fetched: fetchedOf(store),
        output,
        checkpoints: unused('checkpoints'),
        pointers: unused('pointers'),
        progress: (update) => onProgress?.(update),
        track: async () => {},
        open: (ref) => openArtifact(store, ref),
      });
      const { ref, attachments } = await output.seal();
      return { ref, artifact: openArtifact(store, ref), attachments: attachments.map((file) => file.path), outcome };
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

function unused<K extends 'checkpoints' | 'pointers'>(name: K): StageContext[K] {
  return new Proxy({} as StageContext[K], {
    get() {
      throw new Error(`Data stages use no ${name}`);
    },
  });
}
