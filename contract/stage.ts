import type { z } from 'zod';
import type {
  ArtifactFile,
  ArtifactKind,
  ArtifactReader,
  ArtifactRef,
  ArtifactWriter,
  Digest,
  FinishedStage,
  Headline,
} from './artifact.ts';
import type { Json, JsonObject } from './json.ts';
import { unmarkedParams } from './params.ts';
import type { Work } from './work.ts';

/**
 * What may be reused of a stage:
 * - `source`: asks first what the source holds now; that version enters the key, and exactly that version is fetched.
 * - `pure`: the output depends on the key alone.
 * - `effect`: idempotent by the digest of its input; on a hit the effect is checked to be there still.
 */
export type StageKind = 'source' | 'pure' | 'effect';

/** What a stage takes from the stages that it needs, by the kind of their artifacts. */
export interface InputRule {
  readonly kind: ArtifactKind;
  /** `some`: one or more; `any`: none or more. */
  readonly count: 'one' | 'optional' | 'some' | 'any';
}

/** A role that takes several gives its stages' names to the output. */
export function takesSeveral(rule: InputRule): boolean {
  return rule.count === 'some' || rule.count === 'any';
}

/** A stage as a config sees it. Loads nothing heavier than zod, so that validating a pipeline loads no TensorFlow. */
export interface StageContract<P extends z.ZodType = z.ZodType, I extends InputRules = InputRules> {
  /** The name that `uses:` says. */
  readonly name: string;
  readonly kind: StageKind;
  /** One line for `furrow stages`. */
  readonly summary: string;
  readonly params: P;
  readonly inputs: I;
  readonly output: ArtifactKind;
  readonly usesSeed: boolean;
  readonly work: Work;
  /** One at a time in a worker's process, whatever queue it came from: it takes all cores, or the whole GPU. */
  exclusive?(params: z.output<P>): boolean;
  /** The stage computes with TensorFlow: its runtime class says with which, and on what. */
  readonly usesTensorflow: boolean;
}

export type InputRules = Readonly<Record<string, InputRule>>;

/** An input as `run` gets it: the name of the stage that made it, and its content. */
export interface StageInput {
  readonly stage: string;
  readonly artifact: ArtifactReader;
  readonly metrics: Readonly<Record<string, number>>;
}

export type StageInputs<I extends InputRules> = {
  readonly [R in keyof I]: I[R]['count'] extends 'one'
    ? StageInput
    : I[R]['count'] extends 'some' | 'any'
      ? readonly StageInput[]
      : StageInput | undefined;
};

/** What a source holds now. The digest covers names and contents; the rest explains it. */
export interface SourceVersion {
  readonly digest: Digest;
  /** Small: addresses, counts, revisions. Never contents, never a list as long as the data. */
  readonly facts: JsonObject;
  /** A list too long for history, kept by {@link ResolveContext.keep}: which object, of which generation. */
  readonly pins?: Digest;
}

/** Seen in heartbeats, `furrow watch` and the Temporal UI. Hints only: the store is the truth. */
export interface StageProgress {
  /** What goes on, in a few words: `epoch 3/20`, `fetching`. */
  readonly doing: string;
  readonly done?: number;
  readonly total?: number;
  /** Seconds until it is done, at the pace of now. */
  readonly secondsLeft?: number;
  readonly metrics?: Readonly<Record<string, number>>;
}

export interface Checkpoint {
  /** Steps finished. */
  readonly step: number;
  readonly attempt: number;
  /** The checkpoint's file, on local disk, checked against its digest. */
  readonly file: string;
}

export interface Checkpoints {
  /** The newest valid one of any attempt of this key, on whichever worker; torn and corrupted ones are passed over with a warning. */
  newest(): Promise<Checkpoint | undefined>;
  /** What {@link newest} gave could not be used: the result owes it nothing. */
  startOver(): void;
  /** Stores the file, then lets the heartbeat name it, then prunes older ones. */
  commit(step: number, file: string): Promise<void>;
}

/** A named value that changes by compare-and-set. */
export interface Pointer {
  readonly value: Json;
  readonly version: string;
}

export interface Pointers {
  read(name: string): Promise<Pointer | undefined>;
  /** Throws `STORE_CONFLICT` when the pointer is not at `expected` (undefined: absent) any more. */
  swap(name: string, value: Json, expected: string | undefined): Promise<Pointer>;
  /** The names of the pointers below `prefix`, sorted. */
  list(prefix: string): Promise<readonly string[]>;
}

export interface StageLog {
  info(message: string, fields?: JsonObject): void;
  warn(message: string, fields?: JsonObject): void;
}

export interface AttemptContext<P> {
  /** The stage's name in the pipeline. */
  readonly stage: string;
  readonly pipeline: string;
  readonly params: P;
  /** Aborted when the run is cancelled, the worker shuts down, or Temporal no longer knows this attempt. */
  readonly signal: AbortSignal;
  readonly log: StageLog;
  /** An empty folder on local disk, removed when the attempt ends. */
  readonly scratch: string;
  /** The folder that relative paths of `file:` sources start from. */
  readonly baseFolder: string;
}

export interface ResolveContext<P> extends AttemptContext<P> {
  /** Puts what {@link SourceVersion.pins} names into the store. */
  keep(content: Uint8Array): Promise<Digest>;
}

/** Which contents a source knows under another name, once noted: what the store holds of them is not fetched again. */
export interface Fetched {
  /** @param name of a content: `md5:HEX`, or an address with its generation */
  find(name: string): Promise<StoredContent | undefined>;
  /** Kept for good a moment later, or by `flush`. */
  note(name: string, content: StoredContent): Promise<void>;
  /** Keeps some bytes of a content that is not whole yet: from `start` to `end`, not included, as they lie in a file. */
  keepPart(name: string, file: string, start: number, end: number): Promise<void>;
  /** What was kept of a content, in a row from its first byte, as far as it is there. */
  parts(name: string): Promise<readonly StoredContent[]>;
  /** Forgets its parts: they were wrong. */
  giveUpParts(name: string): Promise<void>;
  read(content: StoredContent): AsyncIterable<Uint8Array>;
  flush(): Promise<void>;
}

export type StoredContent = Pick<ArtifactFile, 'digest' | 'bytes'>;

export interface StageContext<P = unknown, I extends InputRules = InputRules> extends AttemptContext<P> {
  readonly inputs: StageInputs<I>;
  /** The pipeline's seed; 0 for a stage that does not use one. */
  readonly seed: number;
  readonly key: Digest;
  readonly attempt: number;
  /** For `source` stages: what was resolved, to be fetched exactly. */
  readonly source: SourceVersion | undefined;
  /** What {@link ResolveContext.keep} has kept. */
  kept(digest: Digest): Promise<Uint8Array>;
  readonly fetched: Fetched;
  readonly output: ArtifactWriter;
  readonly checkpoints: Checkpoints;
  readonly pointers: Pointers;
  progress(update: StageProgress): void;
  /** Rows of the run log (`contract/runLog.ts`) that a tracker may show while the file grows. */
  track(file: string): Promise<void>;
  /** Opens any artifact of this store, for example one that an input refers to. */
  open(ref: ArtifactRef): ArtifactReader;
}

export interface StageOutcome {
  readonly metrics?: Readonly<Record<string, number>>;
  readonly facts?: JsonObject;
  readonly headline?: Headline;
}

export interface StageImplementation<P, I extends InputRules> {
  /** `source` stages only: what does the source hold now? Short, never cached. */
  resolve?(context: ResolveContext<P>): Promise<SourceVersion>;
  run(context: StageContext<P, I>): Promise<StageOutcome>;
  /** `effect` stages only: is what `finished` says still there? */
  isPresent?(context: StageContext<P, I>, finished: FinishedStage): Promise<boolean>;
}

/** A stage with its code: the default export of a file in `activities/`. */
export interface Stage<P extends z.ZodType = z.ZodType, I extends InputRules = InputRules> {
  readonly contract: StageContract<P, I>;
  readonly implementation: StageImplementation<z.output<P>, I>;
}

/**
 * Defines what a config may say of a stage.
 *
 * @throws TypeError when a parameter is marked neither `result` nor `operational`.
 */
export function defineStage<P extends z.ZodType, const I extends InputRules>(
  contract: Omit<StageContract<P, I>, 'usesSeed' | 'usesTensorflow' | 'work'> & Partial<StageContract<P, I>>,
): StageContract<P, I> {
  const unmarked = unmarkedParams(contract.params);
  if (unmarked.length > 0) {
    throw new TypeError(`Stage ${contract.name}: mark ${unmarked.join(', ')} as result() or operational()`);
  }
  return { usesSeed: false, usesTensorflow: false, work: 'compute', ...contract };
}

/** Joins a contract and its code. Import what is heavy inside `run`: this file is loaded to validate pipelines, too. */
export function implementStage<P extends z.ZodType, const I extends InputRules>(
  contract: StageContract<P, I>,
  implementation: StageImplementation<z.output<P>, I>,
): Stage<P, I> {
  if (contract.kind === 'source' && !implementation.resolve)
    throw new TypeError(`Stage ${contract.name}: a source needs resolve()`);
  if (contract.kind === 'effect' && !implementation.isPresent)
    throw new TypeError(`Stage ${contract.name}: an effect needs isPresent()`);
  return { contract, implementation };
}
