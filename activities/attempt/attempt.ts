import { Context } from '@temporalio/activity';
import { FurrowError, timesOf } from '../../contract/errors.ts';
import type { StageTask } from '../../contract/messages.ts';
import type { AttemptContext, Stage } from '../../contract/stage.ts';
import { environmentSecrets, resolveSecrets, secretsIn } from '../../lib/secrets/secrets.ts';
import type { StageCode } from './catalog.ts';
import { codeOf, handBack, toFailure, traceOf } from './failure.ts';
import { type Heartbeats, startHeartbeats } from './heartbeats.ts';
import { type LiveTracking, liveTracking } from './liveTracking.ts';
import { attemptLog } from './log.ts';
import { makeScratch, removeScratch } from './scratch.ts';
import type { UiSettings } from './tracking.ts';

export interface Given {
  readonly stage: Stage;
  readonly task: StageTask;
  readonly code: StageCode;
  readonly settings: UiSettings;
}

export interface Attempt {
  readonly base: AttemptContext<unknown>;
  readonly heartbeats: Heartbeats;
  readonly context: Context;
  readonly secrets: readonly string[];
  readonly live: LiveTracking;
}

/** What every activity of a stage has around it: code and parameter checks, heartbeats, cancellation, scratch folder, failures. */
export async function inAttempt<T>(
  { stage, task, code, settings }: Given,
  act: (attempt: Attempt) => Promise<T>,
): Promise<T> {
  const context = Context.current();
  const secrets = [...environmentSecrets(), ...secretsIn(task.params)];
  const heartbeats = startHeartbeats(context, task.stage, secrets);
  const log = attemptLog(context, task, secrets);
  const live = liveTracking({ task, log, settings });
  let scratch: string | undefined;
  let whole = false;
  try {
    checkFingerprint(task, code);
    const params = checkParams(stage, task);
    scratch = await makeScratch();
    const base: AttemptContext<unknown> = {
      stage: task.stage,
      pipeline: task.run.pipeline,
      params,
      signal: context.cancellationSignal,
      log,
      scratch,
      baseFolder: task.baseFolder,
    };
    const result = await act({ base, heartbeats, context, secrets, live });
    whole = true;
    return result;
  } catch (error) {
    if (context.cancellationSignal.aborted) throw await stopped(context, heartbeats.checkpointStep);
    const code = codeOf(error);
    const failure = toFailure(error, secrets, {
      checkpointStep: heartbeats.checkpointStep,
      log: log.tail(),
      runLog: await live.keep(),
      isFinal: heartbeats.ended(code) >= (timesOf(code) ?? Number.POSITIVE_INFINITY),
    });
    context.log.warn(`${task.stage} failed: ${failure.message}`, { stage: task.stage, trace: traceOf(error, secrets) });
    throw failure;
  } finally {
    await live.end(whole);
    heartbeats.stop();
    // What is left is swept by the next worker; what was committed stands.
    if (scratch) await removeScratch(scratch).catch((error: Error) => log.warn(`left behind: ${error.message}`));
  }
}

/** Why the signal was aborted: a worker's shutdown hands the task back, anything else ends the attempt. */
async function stopped(context: Context, checkpointStep: number | undefined): Promise<Error> {
  const reason: unknown = await context.cancelled.catch((error: unknown) => error);
  const isShutdown = reason instanceof Error && reason.message.includes('WORKER_SHUTDOWN');
  return isShutdown ? handBack(checkpointStep) : (reason as Error);
}

function checkFingerprint(task: StageTask, code: StageCode): void {
  const own = code.fingerprintOf(task.uses);
  if (own === task.fingerprint) return;
  const message = `This worker's code of ${task.uses} is ${own.slice(7, 19)}, the run expects ${task.fingerprint.slice(7, 19)}`;
  const details = { uses: task.uses, expected: task.fingerprint, found: own };
  throw new FurrowError('FINGERPRINT_MISMATCH', message, { details });
}

/** The parameters that the plan holds were parsed once; parsed again here, they are checked against this worker's schema. */
function checkParams(stage: Stage, task: StageTask): unknown {
  const parsed = stage.contract.params.safeParse(resolveSecrets(task.params));
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
  throw new FurrowError('CONFIG_INVALID', `Parameters of ${task.stage}: ${problems}`, {
    details: { stage: task.stage },
  });
}
