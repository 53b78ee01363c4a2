import type { ArtifactRef, Digest, FinishedStage, Headline, Provenance } from './artifact.ts';
import type { OnFailure, ResolvedPipeline } from './config.ts';
import type { FailureCode } from './errors.ts';
import type { Json, JsonObject } from './json.ts';
import type { SourceVersion, StageKind, StoredContent } from './stage.ts';
import type { Tracking } from './tracking.ts';

/** The type that `temporal workflow start --type` names. */
export const workflowType = 'trainPipeline';
export const progressQuery = 'progress';
/** What a person may ask of a run that goes on, by Temporal updates. */
export const updateNames = { retry: 'retryStage', approve: 'approve', pause: 'pause', resume: 'resume' } as const;

/** What `trainPipeline` takes: a path in the worker's configs folder, a request, or nothing for {@link defaultConfig}. */
export type TrainPipelineInput = undefined | string | TrainPipelineRequest;
export const defaultConfig = 'configs/nitrogen.yaml';

export interface TrainPipelineRequest {
  /** A path in the worker's configs folder, or the file's content, as a client sends it. */
  readonly config?: string | ConfigContent;
  /** Overrides, path → value: `{"stages.convnet.with.epochs": 5}`. */
  readonly set?: Readonly<Record<string, Json>>;
  /** Look nothing up; every stage runs. */
  readonly noCache?: boolean;
  /** Stages that run although their result is there. */
  readonly refresh?: readonly string[];
  /** Over what the file says. */
  readonly onFailure?: OnFailure;
  readonly store?: StoreLocation;
  /** The ended run that this one goes on from, where it is one. */
  readonly replayOf?: string;
}

/** The update `retryStage`: replays what has failed, and what depends on it. */
export interface RetryRequest {
  /** The failed stage; without it, every failed one. */
  readonly stage?: string;
  /** Which of its tries has failed, as the run's record says: of two people who retry the same failure, the second is told. */
  readonly replay?: number;
  /** Overrides, path → value, of stages: those that change and what depends on them are replayed, too. */
  readonly set?: Readonly<Record<string, Json>>;
}

/** The update `approve`. */
export interface ApproveRequest {
  readonly stage: string;
  readonly replay?: number;
}

/** The workflow that sends a run to its trackers: beside the run, which never waits for it. */
export const trackWorkflowType = 'trackRun';
export const trackSignal = 'changed';
/** An update: who asks sends by hand, and nothing is sent from here until the signal comes, or {@link handOverSeconds} have passed. */
export const handOverUpdate = 'handOver';
export const takeBackSignal = 'takeBack';
export const handOverSeconds = 15 * 60;

/**
 * @param firstRunId the same after a reset
 * @param number from 1: the one before it ended before the run, by somebody's hand or with a reset
 */
export function trackWorkflowId(workflowId: string, firstRunId: string, number: number): string {
  return `${workflowId}.tracking.${firstRunId.slice(-8)}${number > 1 ? `.${number}` : ''}`;
}

export interface TrackRunInput {
  readonly run: RunIdentity;
  readonly store: StoreLocation;
  /** Where `mode: offline` writes. */
  readonly baseFolder: string;
}

/** To send what is new of a run, as its record in the store says it. */
export interface SendTrackingRequest extends TrackRunInput {
  /** The record's, at least. */
  readonly sequence: number;
  /** The run goes on no more, whatever its record says. */
  readonly over: boolean;
  /** What was sent before, to its end. */
  readonly sent: SentTracking['places'];
}

export interface SentTracking {
  /** Where it is shown, an address or a folder of files: by the tracker's own id of each training, and of the run once it is over. */
  readonly places: Readonly<Record<string, string>>;
  /** Nothing comes after it. */
  readonly over: boolean;
}

/** The answer of an update. */
export interface Intervention {
  /** What it is about: the stages that wait to run again, the one approved. */
  readonly stages: readonly string[];
  readonly status: RunStatus;
}

export interface ConfigContent {
  /** For messages. */
  readonly file: string;
  readonly text: string;
  /** Where relative `file:` sources start: the folder that the client ran in. */
  readonly baseFolder: string;
  /** Of the git repository that the client ran in: which commit it was at. */
  readonly commit?: string;
  /** The values of the variables that the file names, as the client has them; without it, the worker's own count. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A store is known by its id; the address is where this installation finds it. */
export interface StoreLocation {
  readonly uri: string;
  readonly id: string;
}

/** What a run does, resolved once, before its first stage, and kept in history. */
export interface Plan {
  readonly pipeline: ResolvedPipeline;
  readonly store: StoreLocation;
  readonly baseFolder: string;
  readonly configDigest: Digest;
  /** The code of each `uses` in the pipeline, as the planning worker has it; a worker with other code hands the task back. */
  readonly fingerprints: Readonly<Record<string, Digest>>;
  /** Digest over all of them: the `code` search attribute. */
  readonly code: Digest;
  /** The planning worker's package versions, to explain the run by. */
  readonly packages: Readonly<Record<string, string>>;
  readonly noCache: boolean;
  readonly refresh: readonly string[];
  readonly replayOf?: string;
  /** Of the git repository that the pipeline comes from. */
  readonly commit?: string;
  /** Absent where the pipeline says nothing of it. */
  readonly tracking?: Tracking;
}

export interface PlanRequest {
  readonly request: TrainPipelineRequest;
}

/** To plan a run anew that goes on: with values overridden, and the code of now. */
export interface ReplanRequest {
  readonly plan: Plan;
  readonly set: Readonly<Record<string, Json>>;
}

export interface Replanned {
  readonly plan: Plan;
  /** The stages that the overrides give something else: what a newer worker's code has other defaults for is not among them. */
  readonly changed: readonly string[];
}

/** One stage's input in the workflow's terms. */
export interface InputRef {
  readonly stage: string;
  readonly artifact: ArtifactRef;
  readonly metrics: Readonly<Record<string, number>>;
}

/** What every activity of a stage is given. */
export interface StageTask {
  readonly run: RunIdentity;
  readonly stage: string;
  readonly uses: string;
  readonly kind: StageKind;
  readonly store: StoreLocation;
  readonly baseFolder: string;
  readonly fingerprint: Digest;
  /** Parsed; defaults filled in; secrets still as `${secret:NAME}`. */
  readonly params: JsonObject;
  readonly inputs: Readonly<Record<string, readonly InputRef[]>>;
  readonly seed: number;
  readonly strictRuntime: boolean;
  readonly source?: SourceVersion;
  /** `reuse`: a finished result under the key is taken. `replace`: only one that this very run has made. */
  readonly cache: 'reuse' | 'replace';
  /** How often the stage was replayed in its run. */
  readonly replay?: number;
  readonly tracking?: StageTracking;
}

/** What a stage's own tracking says of the run around it. */
export interface StageTracking extends Tracking {
  readonly commit?: string;
}

export interface RunIdentity {
  readonly pipeline: string;
  readonly workflowId: string;
  readonly runId: string;
}

export interface LookupResult {
  readonly key: Digest;
  readonly finished?: FinishedStage;
}

/** What a stage's activity returns. */
export interface StageResult {
  readonly finished: FinishedStage;
  /** Made by another run (or attempt) earlier, or by a racing one. */
  readonly cached: boolean;
}

/** `held`: nothing goes on until a person retries, approves or cancels. `paused`: a person said so. */
export const openStatuses = ['running', 'held', 'paused'] as const;
export const runStatuses = [...openStatuses, 'finished', 'failed', 'cancelled'] as const;
export type RunStatus = (typeof runStatuses)[number];

export function isOpen(status: RunStatus): boolean {
  return (openStatuses as readonly RunStatus[]).includes(status);
}

/** `held`: waits for its approval. `paused`: stopped at a checkpoint, with the run. */
export type StageStatus =
  | 'waiting'
  | 'held'
  | 'paused'
  | 'running'
  | 'finished'
  | 'cached'
  | 'failed'
  | 'skipped'
  | 'cancelled';

export interface StageFailure {
  readonly code: FailureCode;
  readonly message: string;
  readonly action: string;
  /** The last lines of the attempt's log. */
  readonly log?: readonly string[];
  /** What a training had logged of its steps, in the store. */
  readonly runLog?: StoredContent;
}

export interface StageState {
  readonly name: string;
  readonly uses: string;
  readonly queue: string;
  readonly needs: readonly string[];
  readonly status: StageStatus;
  /** How often it was replayed in this run. */
  readonly replay: number;
  /** Waits for a person before it starts. */
  readonly approval?: true;
  /** The activity to look for in the Temporal UI. */
  readonly activityId?: string;
  /** The last event of the workflow's history when the stage began: where `furrow reset` goes back to. */
  readonly historyAt?: number;
  readonly startedAt?: string;
  readonly endedAt?: string;
  readonly key?: Digest;
  readonly fingerprint?: Digest;
  readonly artifact?: ArtifactRef;
  readonly metrics?: Readonly<Record<string, number>>;
  readonly facts?: JsonObject;
  readonly source?: SourceVersion;
  readonly failure?: StageFailure;
  /** Why it waits: for a worker with its code, for a store that is away, for a person. */
  readonly notice?: string;
  readonly provenance?: Provenance;
  /** The run that made a cached result. */
  readonly madeBy?: { readonly workflowId: string; readonly runId: string };
}

/** The answer to the `progress` query, the run record in the store, and the base of the result: one shape. */
export interface RunRecord {
  readonly format: 1;
  readonly run: RunIdentity;
  readonly status: RunStatus;
  readonly startedAt: string;
  readonly endedAt?: string;
  /** A held run fails when nobody does anything until then. */
  readonly heldUntil?: string;
  /** Why nothing goes on, where no stage says it. */
  readonly notice?: string;
  readonly replayOf?: string;
  /** Where relative `file:` sources start. */
  readonly baseFolder?: string;
  /** Absent until the config is resolved. */
  readonly seed?: number;
  readonly store?: StoreLocation;
  /** The config as it was resolved: what a person needs to run it again once Temporal has forgotten the run. */
  readonly config?: ResolvedPipeline;
  readonly configDigest?: Digest;
  readonly code?: Digest;
  readonly packages?: Readonly<Record<string, string>>;
  readonly commit?: string;
  readonly tracking?: Tracking;
  readonly stages: readonly StageState[];
  readonly headline?: Headline;
  readonly failure?: StageFailure & { readonly stage?: string };
}

/** What the workflow returns: short enough to read in the Temporal UI. */
export interface TrainPipelineResult {
  readonly pipeline: string;
  readonly status: 'finished';
  readonly headline?: Headline;
  readonly stages: Readonly<Record<string, StageSummary>>;
  /** Where the whole record is; absent when the store was away at the end. */
  readonly record?: string;
}

export interface StageSummary {
  readonly cached: boolean;
  readonly artifact: ArtifactRef;
  readonly metrics: Readonly<Record<string, number>>;
  readonly facts: JsonObject;
}

/** Registered by `furrow up`; a worker checks for them at its start, as an unregistered one wedges a workflow task. */
export const searchAttributes = {
  FurrowPipeline: 'KEYWORD',
  FurrowStatus: 'KEYWORD',
  FurrowDataset: 'KEYWORD',
  FurrowModel: 'KEYWORD',
  FurrowCode: 'KEYWORD',
  FurrowMetric: 'DOUBLE',
} as const;

/** Sent in heartbeats. Read with {@link isHeartbeat}: an older worker may have sent something else. */
export interface Heartbeat {
  readonly stage: string;
  readonly doing: string;
  /** Why it does not go on at the moment. */
  readonly waits?: string;
  readonly done?: number;
  readonly total?: number;
  readonly secondsLeft?: number;
  readonly metrics?: Readonly<Record<string, number>>;
  readonly checkpoint?: { readonly step: number };
  /** How many attempts in a row ended with this failure after that checkpoint (0: before the first one). */
  readonly ended?: { readonly code: FailureCode; readonly checkpoint: number; readonly times: number };
}

export function isHeartbeat(value: unknown): value is Heartbeat {
  return typeof value === 'object' && value !== null && 'stage' in value && 'doing' in value;
}
