import type { Json, JsonObject } from '../../contract/json.ts';

/**
 * How a run that a tracker shows stands. `crashed`: nobody said how it ended. `cancelled`: a person ended it.
 */
export type TrackedState = 'running' | 'finished' | 'failed' | 'crashed' | 'cancelled';

/** What a tracker is told of one run; its rows and images come beside it. */
export interface TrackedRun {
  /** The tracker's own name for it, the same however often it is sent: lower-case letters and digits. */
  readonly id: string;
  /** For people. */
  readonly name: string;
  readonly project: string;
  /** The user or team; without it, the key's own. */
  readonly entity?: string;
  /** The pipeline. */
  readonly group: string;
  readonly jobType: string;
  readonly tags: readonly string[];
  readonly notes: string;
  /** Plain values: a tracker's own wrapping is added where it is sent. */
  readonly config: JsonObject;
  readonly summary: JsonObject;
  readonly commit?: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly state: TrackedState;
}

/** One row of a run's history: finite numbers and texts. */
export interface HistoryRow {
  /** Grows from row to row. */
  readonly _step: number;
  /** Seconds since 1970, when the row was made: not when it is sent. */
  readonly _timestamp: number;
  /** Seconds since the run's start. */
  readonly _runtime: number;
  readonly [name: string]: Json;
}

/** An image that a run shows under `key`: in the row of `step`, and in its summary. */
export interface TrackedImage {
  readonly key: string;
  readonly step: number;
  /** A PNG on local disk. */
  readonly file: string;
  readonly caption: string;
}
