/** What the sending process is asked for, and what it says. */
import type { TrackedImage, TrackedRun } from '../trackedRun.ts';

export interface SendTask {
  readonly run: TrackedRun;
  /** JSON lines on local disk. */
  readonly rows: RowsFile;
  readonly images: readonly TrackedImage[];
  /** Where it is complete at W&B, whatever is said of it there, nothing is sent: another run says what it is. */
  readonly leaveIfComplete?: boolean;
  /** Milliseconds, for tests that do not wait: see `Delivery`. */
  readonly waits?: { readonly firstWaitMs?: number; readonly longestWaitMs?: number; readonly tryMs?: number };
}

export interface RowsFile {
  readonly file: string;
  /** `runLog`: a training's; `history`: rows as they are shown. */
  readonly format: 'runLog' | 'history';
  /** Rows come yet, until {@link ToSender} says `ended`. */
  readonly grows: boolean;
}

export type ToSender =
  | { readonly kind: 'start'; readonly task: SendTask }
  /** The rows file grows no more. `whole`: its last row is complete. */
  | { readonly kind: 'ended'; readonly whole: boolean };

export type FromSender =
  | { readonly kind: 'ready' }
  /** The run is there, at this address for people. */
  | { readonly kind: 'opened'; readonly address: string }
  /** Rows that W&B has. */
  | { readonly kind: 'accepted'; readonly rows: number }
  | { readonly kind: 'trouble'; readonly message: string; readonly refused: boolean }
  /** W&B's own count says that all rows are there. */
  | { readonly kind: 'done'; readonly rows: number; readonly address: string }
  | { readonly kind: 'failed'; readonly message: string };
