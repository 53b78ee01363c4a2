/** What a stage's process and its child say to each other over Node's IPC channel. */
import type { JsonObject } from '../../../contract/json.ts';
import type { StageProgress } from '../../../contract/stage.ts';

export type ToChild =
  | { readonly kind: 'start'; readonly task: unknown }
  /** End at the next step boundary; a training leaves a checkpoint first. */
  | { readonly kind: 'stop' }
  /** The parent is done with that checkpoint's file, whether it is `stored` now or could not be. */
  | { readonly kind: 'checkpointTaken'; readonly step: number; readonly stored: boolean };

export type FromChild =
  | { readonly kind: 'ready' }
  | { readonly kind: 'progress'; readonly progress: StageProgress }
  | { readonly kind: 'warning'; readonly message: string }
  | { readonly kind: 'checkpoint'; readonly step: number; readonly file: string }
  | { readonly kind: 'done'; readonly result: unknown }
  | { readonly kind: 'stopped' }
  | {
      readonly kind: 'failed';
      readonly code: string;
      readonly message: string;
      readonly details: JsonObject;
      /** Where a fault is in the code: for the worker's log, never for history. Absent for a failure that was foreseen. */
      readonly stack?: string;
    };
