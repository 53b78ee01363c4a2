import type { JsonObject } from './json.ts';

/**
 * Whether trying again can help:
 * - `never`: it would end the same way.
 * - `again`: the attempts of its kind of work are for this (`contract/work.ts`).
 * - `wait`: something is away, or full. Once its attempts are used up the run waits for it, up to {@link awayLimit}, and tries anew.
 */
export type Retry = 'never' | 'again' | 'wait';

interface Failure {
  /** What it says of the world, for the table in docs/reliability.md. The sentence about this one is made where it happened. */
  readonly meaning: string;
  readonly retry: Retry;
  /** Attempts in a row that may end so without a new checkpoint, where that is fewer than the work's attempts. */
  readonly times?: number;
  /** What a person does about it. */
  readonly action: string;
}

/** Every failure that Furrow knows. */
export const failures = {
  CONFIG_INVALID: {
    meaning: 'The pipeline file, or what a run was started with, is wrong; each problem is listed with its place.',
    retry: 'never',
    action:
      'Correct the pipeline file; `furrow validate FILE` lists every problem of the file, `furrow doctor FILE` looks at the plots, too.',
  },
  CONFIG_NOT_FOUND: {
    meaning: 'There is no such pipeline file.',
    retry: 'never',
    action: "Check the path; a path given to Temporal is looked up in the worker's configs folder.",
  },
  SECRET_MISSING: {
    meaning: 'The pipeline names a secret that the worker does not have.',
    retry: 'never',
    action: 'Set the secret in the environment of the worker that runs the stage.',
  },
  SOURCE_NOT_FOUND: {
    meaning: 'The source holds nothing under this address.',
    retry: 'never',
    action: "Check the source's address and that this worker can reach it.",
  },
  SOURCE_CHANGED: {
    meaning: 'What was found at first is gone: the source changed while it was read, several times in a row.',
    retry: 'never',
    action: 'The source changes while it is read; wait until uploads are over and run again.',
  },
  SOURCE_UNAVAILABLE: {
    meaning: 'The source does not answer.',
    retry: 'wait',
    action: 'Check that the source can be reached; what was fetched stays, and the run goes on when it is back.',
  },
  SOURCE_CORRUPT: {
    meaning: 'A file came several times with other contents than its checksum says.',
    retry: 'never',
    action: 'Put the file there again (DVC: `dvc push`), or correct the checksum that it is listed with.',
  },
  SOURCE_UNKNOWN_SCHEME: {
    meaning: 'The address of a source begins with a scheme that Furrow does not know.',
    retry: 'never',
    action: 'Use one of the schemes that the message lists.',
  },
  DATA_BAD_INPUT: {
    meaning: 'Some files cannot be read as plots; they are listed.',
    retry: 'never',
    action: 'Correct or remove the files listed, or set `onBadInput: skip` to drop and record them.',
  },
  DATA_EMPTY: {
    meaning: 'No plot is left to work on.',
    retry: 'never',
    action: 'Check the source and the file-name pattern: no plot was left to work on.',
  },
  TIFF_UNSUPPORTED: {
    meaning: 'A TIFF of a kind that is not read.',
    retry: 'never',
    action: 'Convert the file, for example with `gdal_translate -co COMPRESS=DEFLATE`.',
  },
  NPY_UNSUPPORTED: {
    meaning: 'A NumPy file of a kind that is not read.',
    retry: 'never',
    action: 'Save the array as 2 or 3 axes of float32, for example `np.save(file, array.astype("<f4"))`.',
  },
  FILE_UNREADABLE: {
    meaning: 'A file is damaged, or not what its name says.',
    retry: 'never',
    action: 'Replace the file: it is damaged or not what its name says.',
  },
  CREDENTIALS_MISSING: {
    meaning: 'The worker has no credentials for Google Cloud.',
    retry: 'never',
    action:
      "Give the worker Google's default credentials: `gcloud auth application-default login`, or GOOGLE_APPLICATION_CREDENTIALS, or a service account.",
  },
  ACCESS_DENIED: {
    meaning: "The worker's account may not do this.",
    retry: 'never',
    action: "Grant the worker's account the role that the message asks for (Storage Object User on the bucket).",
  },
  STORE_NOT_FOUND: {
    meaning: 'There is no store at this address.',
    retry: 'never',
    action: 'Check `store:`, and that this worker has that folder mounted.',
  },
  STORE_MISMATCH: {
    meaning: 'Another store lies where the run expects its own.',
    retry: 'never',
    action: 'Another store lies at this path on this worker; mount the same store on every worker.',
  },
  STORE_FORMAT: {
    meaning: 'Another version of Furrow wrote the store.',
    retry: 'never',
    action: 'The store was written by another version of Furrow; use that version or a new store.',
  },
  STORE_CONFLICT: {
    meaning: 'Somebody else changed the same entry at the same time.',
    retry: 'again',
    action: 'Somebody else changed the same entry first; run again.',
  },
  STORE_UNAVAILABLE: {
    meaning: 'The store is away: a drive that is not mounted, a bucket that does not answer.',
    retry: 'wait',
    action: 'Check that the store can be reached; the run goes on when it is back.',
  },
  STORE_FULL: {
    meaning: 'No space is left, in the store or in the scratch folder.',
    retry: 'wait',
    action: 'Free space where the store or the scratch folder lies; the stage is tried again.',
  },
  BLOB_MISSING: {
    meaning: 'A file that a finished stage made is gone from the store.',
    retry: 'never',
    action: 'Run again: the stage that made the missing file runs again.',
  },
  BLOB_CORRUPT: {
    meaning: 'A file in the store does not hold what its digest says.',
    retry: 'never',
    action: 'The file was set aside in the store, under corrupt/. Run again: the stage that made it runs again.',
  },
  ARTIFACT_FILE_UNKNOWN: {
    meaning: 'A stage looks for a file that its input does not have.',
    retry: 'never',
    action: 'The artifact does not hold what this stage expects; check the stage it comes from.',
  },
  CHECKPOINT_INVALID: {
    meaning: 'A checkpoint cannot be read by this code.',
    retry: 'again',
    action: 'The checkpoint was passed over; training goes on from the one before it.',
  },
  BACKEND_MISSING: {
    meaning: 'TensorFlow cannot be loaded on this worker.',
    retry: 'never',
    action: "Run `furrow doctor` on the worker's machine, then `npm run setup`.",
  },
  CHILD_CRASHED: {
    meaning: 'The process that computes ended by itself: a signal, a fault in native code.',
    retry: 'again',
    times: 4,
    action:
      'The training process ended by itself; its last lines are in the message. Training goes on from the newest checkpoint.',
  },
  CHILD_STALLED: {
    meaning: 'The process that computes made no progress for `stallTimeout`, and was killed.',
    retry: 'again',
    times: 3,
    action:
      'Look at the machine (a GPU that hangs, memory that swaps), or raise `stallTimeout` if a step takes that long.',
  },
  CHILD_OUT_OF_MEMORY: {
    meaning: 'The process that computes got no more memory, or the kernel killed it for want of it.',
    retry: 'again',
    // A neighbour may have had it the first time; a batch that does not fit does not fit the third time either.
    times: 2,
    action: 'Lower `batchSize` (`furrow doctor CONFIG` says what fits this machine), or give the worker more memory.',
  },
  TRAINING_DIVERGED: {
    meaning: 'The loss is no longer a number.',
    retry: 'never',
    action: 'The loss is no longer a number: lower the learning rate.',
  },
  RUNTIME_CLASS_CHANGED: {
    meaning: 'A result or checkpoint is of another runtime class, and `strictRuntime` is set.',
    retry: 'never',
    action: 'Run on a worker of the same runtime class, or set `strictRuntime: false`.',
  },
  FINGERPRINT_MISMATCH: {
    meaning: 'No worker with the code of the run came within a quarter of an hour.',
    retry: 'never',
    action: 'Restart the older workers, or `furrow retry` the stage: it then runs with the code that the workers have.',
  },
  STAGE_UNKNOWN: {
    meaning: 'The worker has no such stage.',
    retry: 'never',
    action: 'The worker has no such stage; build and restart it.',
  },
  NOT_APPROVED: {
    meaning: 'A stage with `approval: true` was not approved within `holdFor`.',
    retry: 'never',
    action: '`furrow retry` asks for the approval again, `furrow approve` gives it.',
  },
  WRONG_STATE: {
    meaning: 'A run was asked for what it cannot do as it stands: to retry a stage that has not failed, for example.',
    retry: 'never',
    action: '`furrow show` says where the run is.',
  },
  REGISTRY_UNREACHABLE: {
    meaning: 'The image registry does not answer.',
    retry: 'wait',
    action: "Check the image registry's address and that this worker can reach it.",
  },
  REGISTRY_REFUSED: {
    meaning: 'The image registry refuses.',
    retry: 'never',
    action: 'The image registry refused the push; check its address and credentials.',
  },
  IMAGE_BASE_INVALID: {
    meaning: 'The base of the image is for another platform, or none.',
    retry: 'never',
    action: 'Check `base:`; it names an image for another platform, or none.',
  },
  TRACKING_NOT_SENT: {
    meaning: 'W&B does not take what a run has to show: it is away, or refuses the key. The run itself goes on.',
    retry: 'again',
    action:
      'Check the network and the key (`WANDB_API_KEY` or `~/.netrc`) where it is sent from: the worker, or the shell of `furrow tracking sync`.',
  },
  SERVER_UNREACHABLE: {
    meaning: 'Temporal does not answer.',
    retry: 'again',
    action: 'Start Temporal with `furrow up`, or check TEMPORAL_ADDRESS.',
  },
  RUN_NOT_FOUND: { meaning: 'Temporal knows no such run.', retry: 'never', action: '`furrow runs` lists the runs.' },
  SETUP_INCOMPLETE: {
    meaning: 'Something that the set-up makes is not there.',
    retry: 'never',
    action: 'Run `npm run setup`, then `furrow doctor`.',
  },
  WORKER_LOST: {
    meaning: 'The worker stopped sending heartbeats: killed, frozen, or cut off from Temporal.',
    retry: 'again',
    action: 'The worker went away; the stage is tried again on the next one. See `furrow logs` on its machine.',
  },
  STAGE_TIMED_OUT: {
    meaning: 'An attempt took longer than the `timeout` of its stage.',
    retry: 'again',
    action: 'Raise `timeout:` of the stage, or give it less to do.',
  },
  CANCELLED: {
    meaning: 'A person cancelled the run.',
    retry: 'never',
    action: 'The run was cancelled; `furrow retry` goes on from what is finished.',
  },
  INTERNAL: {
    meaning: "A fault in Furrow, or in a stage's code.",
    retry: 'again',
    times: 3,
    action: "This is a fault in Furrow or in the stage's code; the message and the worker's log say where.",
  },
} as const satisfies Record<string, Failure>;

/** Seconds that a run waits for what is away before the stage has failed: a reboot, a full disk that somebody has to see. */
export const awayLimit = 30 * 60;

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
    return failures[this.code].retry !== 'never';
  }

  get action(): string {
    return failures[this.code].action;
  }
}

/** Something is away or full: trying again counts for nothing until it is back. */
export function isAway(code: FailureCode): boolean {
  return failures[code].retry === 'wait';
}

/** Attempts in a row without a new checkpoint that may end with this failure; undefined where the work's own attempts count. */
export function timesOf(code: FailureCode): number | undefined {
  const known: Failure = failures[code];
  return known.times;
}

export function isFailureCode(value: unknown): value is FailureCode {
  return typeof value === 'string' && Object.hasOwn(failures, value);
}
