import { Context } from '@temporalio/activity';
import type { Digest, FinishedStage, RuntimeClass } from '../../contract/artifact.ts';
import { FurrowError } from '../../contract/errors.ts';
import type { StageResult, StageTask } from '../../contract/messages.ts';
import { redactJson } from '../../contract/redact.ts';
import {
  type AttemptContext,
  type SourceVersion,
  type Stage,
  type StageContext,
  type StageInput,
  takesSeveral,
} from '../../contract/stage.ts';
import { runtimeClass } from '../../lib/models/runtimeClass.ts';
import { environmentSecrets, resolveSecrets, secretsIn } from '../../lib/secrets/secrets.ts';
import { openArtifact, stageArtifact } from '../../lib/store/artifacts.ts';
import { removeCheckpoints } from '../../lib/store/checkpoints.ts';
import { commitManifest, lookUp, type ManifestState } from '../../lib/store/manifests.ts';
import { openStoreAt, type Store } from '../../lib/store/store.ts';
import type { StageCode } from './catalog.ts';
import { attemptCheckpoints } from './checkpoints.ts';
import { handBack, toFailure, traceOf } from './failure.ts';
import { type Heartbeats, startHeartbeats } from './heartbeats.ts';
import { keyOf } from './key.ts';
import { attemptLog } from './log.ts';
import { attemptPointers } from './pointers.ts';
import { sameRuntime } from './runtime.ts';
import { makeScratch, removeScratch } from './scratch.ts';

/**
 * One attempt at a stage: check the code and the parameters, look the key up once more (another run may have finished it while
 * this task waited), run, and commit by one exclusive write, last.
 */
export async function runStage(stage: Stage, task: StageTask, code: StageCode): Promise<StageResult> {
  return attempt({ stage, task, code }, async ({ base, heartbeats, context, secrets }) => {
    const { contract, implementation } = stage;
    const store = await openStoreAt(task.store);
    const key = keyOf(contract, task);
    const known = await lookUp(store, key);
    const runtime = runtimeClass(contract.usesTensorflow ? 'tensorflow' : 'none');
    const isWanted = task.cache === 'reuse' || known?.finished.provenance?.runId === task.run.runId;
    const usable = known && !known.broken && isWanted ? known : undefined;
    if (usable && contract.kind !== 'effect') return hit(usable, task, runtime);

    const output = stageArtifact(store, contract.output);
    const checkpoints = attemptCheckpoints({ store, key, context, heartbeats, base, runtime, task });
    const stageContext: StageContext = {
      ...base,
      inputs: openInputs(stage, task, store) as StageContext['inputs'],
      seed: contract.usesSeed ? task.seed : 0,
      key,
      attempt: context.info.attempt,
      source: task.source,
      output,
      checkpoints,
      pointers: attemptPointers(store),
      progress: heartbeats.progress,
      open: (ref) => openArtifact(store, ref),
    };
    if (usable && (await implementation.isPresent?.(stageContext, usable.finished))) return hit(usable, task, runtime);

    const startedAt = new Date();
    const outcome = await implementation.run(stageContext);
    base.signal.throwIfAborted();
    const { ref, attachments } = await output.seal();
    const finished: FinishedStage = {
      key,
      artifact: ref,
      attachments,
      metrics: finiteMetrics(outcome.metrics ?? {}),
      facts: redactJson(outcome.facts ?? {}, secrets),
      ...(outcome.headline && Number.isFinite(outcome.headline.value) && { headline: outcome.headline }),
      provenance: {
        stage: task.stage,
        fingerprint: task.fingerprint,
        workflowId: task.run.workflowId,
        runId: task.run.runId,
        attempt: context.info.attempt,
        startedAt: startedAt.toISOString(),
        seconds: (Date.now() - startedAt.getTime()) / 1000,
        runtime,
        ...(checkpoints.resumedFrom.length > 0 && { resumedFrom: checkpoints.resumedFrom }),
      },
    };
    const committed = await commitManifest(store, finished, known?.version);
    if (contract.work === 'training') await tidyCheckpoints(store, key, base);
    return { finished: committed.finished, cached: !committed.won };
  });
}

/** What a source holds now; short, never cached. */
export async function resolveStage(stage: Stage, task: StageTask, code: StageCode): Promise<SourceVersion> {
  return attempt({ stage, task, code }, async ({ base, secrets }) => {
    if (!stage.implementation.resolve) throw new FurrowError('INTERNAL', `Stage ${task.uses} is no source`);
    const { digest, facts } = await stage.implementation.resolve(base);
    return { digest, facts: redactJson(facts, secrets) };
  });
}

interface Given {
  readonly stage: Stage;
  readonly task: StageTask;
  readonly code: StageCode;
}

interface Attempt {
  readonly base: AttemptContext<unknown>;
  readonly heartbeats: Heartbeats;
  readonly context: Context;
  readonly secrets: readonly string[];
}

/** What every activity of a stage has around it: code and parameter checks, heartbeats, cancellation, scratch folder, failures. */
async function attempt<T>({ stage, task, code }: Given, act: (attempt: Attempt) => Promise<T>): Promise<T> {
  const context = Context.current();
  const secrets = [...environmentSecrets(), ...secretsIn(task.params)];
  const heartbeats = startHeartbeats(context, task.stage, secrets);
  let scratch: string | undefined;
  try {
    checkFingerprint(task, code);
    const params = checkParams(stage, task);
    scratch = await makeScratch();
    const base: AttemptContext<unknown> = {
      stage: task.stage,
      pipeline: task.run.pipeline,
      params,
      signal: context.cancellationSignal,
      log: attemptLog(context, task, secrets),
      scratch,
      baseFolder: task.baseFolder,
    };
    return await act({ base, heartbeats, context, secrets });
  } catch (error) {
    if (context.cancellationSignal.aborted) throw await stopped(context, heartbeats.checkpointStep);
    const failure = toFailure(error, secrets, heartbeats.checkpointStep);
    context.log.warn(`${task.stage} failed: ${failure.message}`, { stage: task.stage, trace: traceOf(error, secrets) });
    throw failure;
  } finally {
    heartbeats.stop();
    if (scratch) await removeScratch(scratch);
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

function openInputs(
  stage: Stage,
  task: StageTask,
  store: Store,
): Record<string, StageInput | readonly StageInput[] | undefined> {
  return Object.fromEntries(
    Object.entries(stage.contract.inputs).map(([role, rule]) => {
      const opened = (task.inputs[role] ?? []).map(
        (ref): StageInput => ({
          stage: ref.stage,
          artifact: openArtifact(store, ref.artifact),
          metrics: ref.metrics,
        }),
      );
      return [role, takesSeveral(rule) ? opened : opened[0]];
    }),
  );
}

function hit(known: ManifestState, task: StageTask, runtime: RuntimeClass): StageResult {
  refuseOtherRuntime(known.finished.provenance.runtime, runtime, task);
  return { finished: known.finished, cached: true };
}

function refuseOtherRuntime(made: RuntimeClass, here: RuntimeClass, task: StageTask): void {
  if (!task.strictRuntime || sameRuntime(made, here)) return;
  throw new FurrowError(
    'RUNTIME_CLASS_CHANGED',
    `The result of ${task.stage} was made in another runtime class, and strictRuntime is set`,
    {
      details: { made: { ...made }, here: { ...here } },
    },
  );
}

/** History and keys hold finite numbers only. */
function finiteMetrics(metrics: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(metrics).filter(([, value]) => Number.isFinite(value)));
}

/** Left-over checkpoints cost space, not correctness: a failure here must not fail the finished stage. */
async function tidyCheckpoints(store: Store, key: Digest, base: AttemptContext<unknown>): Promise<void> {
  await removeCheckpoints(store, key).catch((error: Error) =>
    base.log.warn(`checkpoints were left behind: ${error.message}`),
  );
}
