import type { JsonObject } from './json.ts';

/**
 * Every failure that Furrow knows: whether trying again can help, and what a person does about it. The sentence that says what
 * happened is made where it happened.
 */
export const failures = {
  CONFIG_INVALID: {
    retryable: false,
    action:
      'Correct the pipeline file; `furrow validate FILE` lists every problem of the file, `furrow doctor FILE` looks at the plots, too.',
  },
  CONFIG_NOT_FOUND: {
    retryable: false,
    action: "Check the path; a path given to Temporal is looked up in the worker's configs folder.",
  },
  SECRET_MISSING: { retryable: false, action: 'Set the secret in the environment of the worker that runs the stage.' },
  SOURCE_NOT_FOUND: { retryable: false, action: "Check the source's address and that this worker can reach it." },
  SOURCE_CHANGED: {
    retryable: false,
    action: 'The source changes while it is read; wait until uploads are over and run again.',
  },
  SOURCE_UNAVAILABLE: {
    retryable: true,
    action: 'Check that the source can be reached; what was fetched stays, and the run goes on when it is back.',
  },
  SOURCE_CORRUPT: {
    retryable: false,
    action: 'Put the file there again (DVC: `dvc push`), or correct the checksum that it is listed with.',
  },
  SOURCE_UNKNOWN_SCHEME: { retryable: false, action: 'Use one of the schemes that the message lists.' },
  DATA_BAD_INPUT: {
    retryable: false,
    action: 'Correct or remove the files listed, or set `onBadInput: skip` to drop and record them.',
  },
  DATA_EMPTY: { retryable: false, action: 'Check the source and the file-name pattern: no plot was left to work on.' },
  TIFF_UNSUPPORTED: {
    retryable: false,
    action: 'Convert the file, for example with `gdal_translate -co COMPRESS=DEFLATE`.',
  },
  NPY_UNSUPPORTED: {
    retryable: false,
    action: 'Save the array as 2 or 3 axes of float32, for example `np.save(file, array.astype("<f4"))`.',
  },
  FILE_UNREADABLE: { retryable: false, action: 'Replace the file: it is damaged or not what its name says.' },
  CREDENTIALS_MISSING: {
    retryable: false,
    action:
      "Give the worker Google's default credentials: `gcloud auth application-default login`, or GOOGLE_APPLICATION_CREDENTIALS, or a service account.",
  },
  ACCESS_DENIED: {
    retryable: false,
    action: "Grant the worker's account the role that the message asks for (Storage Object User on the bucket).",
  },
  STORE_NOT_FOUND: { retryable: false, action: 'Check `store:`, and that this worker has that folder mounted.' },
  STORE_MISMATCH: {
    retryable: false,
    action: 'Another store lies at this path on this worker; mount the same store on every worker.',
  },
  STORE_FORMAT: {
    retryable: false,
    action: 'The store was written by another version of Furrow; use that version or a new store.',
  },
  STORE_CONFLICT: { retryable: true, action: 'Somebody else changed the same entry first; run again.' },
  STORE_UNAVAILABLE: {
    retryable: true,
    action: 'Check that the store can be reached; the run goes on when it is back.',
  },
  STORE_FULL: {
    retryable: true,
    action: 'Free space where the store or the scratch folder lies; the stage is tried again.',
  },
  BLOB_MISSING: { retryable: false, action: 'Run again: the stage that made the missing file runs again.' },
  BLOB_CORRUPT: {
    retryable: false,
    action: 'The file was set aside in the store, under corrupt/. Run again: the stage that made it runs again.',
  },
  ARTIFACT_FILE_UNKNOWN: {
    retryable: false,
    action: 'The artifact does not hold what this stage expects; check the stage it comes from.',
  },
  CHECKPOINT_INVALID: {
    retryable: true,
    action: 'The checkpoint was passed over; training goes on from the one before it.',
  },
  BACKEND_MISSING: { retryable: false, action: "Run `furrow doctor` on the worker's machine, then `npm run setup`." },
  CHILD_CRASHED: {
    retryable: true,
    action:
      'The training process ended by itself; its last lines are in the message. Training goes on from the newest checkpoint.',
  },
  CHILD_OUT_OF_MEMORY: {
    retryable: true,
    action: 'Lower `batchSize` (`furrow doctor CONFIG` says what fits this machine), or give the worker more memory.',
  },
  TRAINING_DIVERGED: { retryable: false, action: 'The loss is no longer a number: lower the learning rate.' },
  RUNTIME_CLASS_CHANGED: {
    retryable: false,
    action: 'Run on a worker of the same runtime class, or set `strictRuntime: false`.',
  },
  FINGERPRINT_MISMATCH: {
    retryable: false,
    action: 'The worker has other code than the run expects; restart the older workers. The run waits for one a while.',
  },
  STAGE_UNKNOWN: { retryable: false, action: 'The worker has no such stage; build and restart it.' },
  REGISTRY_UNREACHABLE: {
    retryable: true,
    action: "Check the image registry's address and that this worker can reach it.",
  },
  REGISTRY_REFUSED: {
    retryable: false,
    action: 'The image registry refused the push; check its address and credentials.',
  },
  IMAGE_BASE_INVALID: { retryable: false, action: 'Check `base:`; it names an image for another platform, or none.' },
  SERVER_UNREACHABLE: { retryable: true, action: 'Start Temporal with `furrow up`, or check TEMPORAL_ADDRESS.' },
  RUN_NOT_FOUND: { retryable: false, action: '`furrow runs` lists the runs.' },
  SETUP_INCOMPLETE: { retryable: false, action: 'Run `npm run setup`, then `furrow doctor`.' },
  WORKER_LOST: {
    retryable: true,
    action: 'The worker went away; the stage is tried again on the next one. See `furrow logs` on its machine.',
  },
  STAGE_TIMED_OUT: { retryable: true, action: 'Raise `timeout:` of the stage, or give it less to do.' },
  CANCELLED: { retryable: false, action: 'The run was cancelled; start it again to go on from what is finished.' },
  INTERNAL: {
    retryable: true,
    action: "This is a fault in Furrow or in the stage's code; the message and the worker's log say where.",
  },
} as const satisfies Record<string, { retryable: boolean; action: string }>;

export type FailureCode = keyof typeof failures;

/** A failure with a code, a sentence that says what happened, and details that name the places. */
export class FurrowError extends Error {
  override readonly name = 'FurrowError';
  readonly code: FailureCode;
  /** Small and free of data and secrets: it goes into history. */
  readonly details: JsonObject;

  constructor(code: FailureCode, message: string, options: { details?: JsonObject; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
  }

  get retryable(): boolean {
    return failures[this.code].retryable;
  }

  get action(): string {
    return failures[this.code].action;
  }
}

export function isFailureCode(value: unknown): value is FailureCode {
  return typeof value === 'string' && Object.hasOwn(failures, value);
}
