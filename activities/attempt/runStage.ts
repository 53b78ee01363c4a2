import type { Digest, FinishedStage, RuntimeClass } from '../../contract/artifact.ts';
import { FurrowError } from '../../contract/errors.ts';
import type { StageResult, StageTask } from '../../contract/messages.ts';
import { redactJson } from '../../contract/redact.ts';
import {
  type SourceVersion,
  type Stage,
  type StageContext,
  type StageInput,
  takesSeveral,
} from '../../contract/stage.ts';
import { runtimeClass } from '../../lib/models/runtimeClass.ts';
import { openArtifact, stageArtifact } from '../../lib/store/artifacts.ts';
import { putBlob, readBlobWhole } from '../../lib/store/blobs.ts';
import { removeCheckpoints } from '../../lib/store/checkpoints.ts';
import { fetchedOf } from '../../lib/store/fetched.ts';
import { commitManifest, lookUp, type ManifestState } from '../../lib/store/manifests.ts';
import { openStoreAt, type Store } from '../../lib/store/store.ts';
import { type Attempt, type Given, inAttempt } from './attempt.ts';
import { attemptCheckpoints } from './checkpoints.ts';
import { keyOf } from './key.ts';
import { attemptPointers } from './pointers.ts';
import { sameRuntime } from './runtime.ts';
import { inSlot } from './slots.ts';

/** One attempt at a stage: check the code and the parameters, look the key up, run, and commit by one exclusive write, last. */
export async function runStage(given: Given): Promise<StageResult> {
  const { stage, task } = given;
  return inAttempt(given, async (attempt) => {
    const { contract } = stage;
    const { base, heartbeats } = attempt;
    const store = await openStoreAt(task.store);
    const key = keyOf(contract, task);
    const runtime = runtimeClass(contract.usesTensorflow ? 'tensorflow' : 'none');
    const known = await lookUp(store, key);
    if (known?.broken) base.log.warn(`a finished result is not reused: ${known.broken}`);
    const run = (state: ManifestState | undefined) =>
      runUnlessFinished(state, { stage, task, attempt, store, key, runtime });
    if (!contract.exclusive?.(base.params)) return run(known);

    const usable = reusable(known, task);
    if (usable) return hit(usable, task, runtime);
    const onWait = () => heartbeats.progress({ doing: 'waiting for another training on this worker' });
    // While it waited, another run may have finished it.
    return inSlot(base.signal, onWait, async () => run(await lookUp(store, key)));
  });
}

/** What a source holds now; short, never cached. */
export async function resolveStage(given: Given): Promise<SourceVersion> {
  const { stage, task } = given;
  return inAttempt(given, async ({ base, secrets }) => {
    if (!stage.implementation.resolve) throw new FurrowError('INTERNAL', `Stage ${task.uses} is no source`);
    const keep = async (content: Uint8Array) => (await putBlob(await openStoreAt(task.store), content)).digest;
    const { digest, facts, pins } = await stage.implementation.resolve({ ...base, keep });
    return { digest, facts: redactJson(facts, secrets), ...(pins && { pins }) };
  });
}

interface Prepared {
  readonly stage: Stage;
  readonly task: StageTask;
  readonly attempt: Attempt;
  readonly store: Store;
  readonly key: Digest;
  readonly runtime: RuntimeClass;
}

async function runUnlessFinished(known: ManifestState | undefined, prepared: Prepared): Promise<StageResult> {
  const { stage, task, attempt, store, key, runtime } = prepared;
  const { contract, implementation } = stage;
  const { base, heartbeats, context, secrets } = attempt;
  const usable = reusable(known, task);
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
    kept: (digest) => readBlobWhole(store, digest),
    fetched: fetchedOf(store),
    output,
    checkpoints,
    pointers: attemptPointers(store),
    progress: heartbeats.progress,
    track: attempt.live.follow,
    open: (ref) => openArtifact(store, ref),
  };
  if (usable && (await implementation.isPresent?.(stageContext, usable.finished))) return hit(usable, task, runtime);

  const startedAt = new Date();
  // The wall clock may jump in between.
  const started = performance.now();
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
      ...(task.replay && { replay: task.replay }),
      startedAt: startedAt.toISOString(),
      seconds: (performance.now() - started) / 1000,
      runtime,
      ...(checkpoints.resumedFrom.length > 0 && { resumedFrom: checkpoints.resumedFrom }),
    },
  };
  const committed = await commitManifest(store, finished, known?.version);
  if (contract.work === 'training') await tidyCheckpoints(store, key, attempt);
  return { finished: committed.finished, cached: !committed.won };
}

/** What is finished and whole, unless the run makes it again; what this very run has made counts all the same. */
function reusable(known: ManifestState | undefined, { cache, run }: StageTask): ManifestState | undefined {
  if (!known || known.broken) return undefined;
  return cache === 'reuse' || known.finished.provenance.runId === run.runId ? known : undefined;
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
  const { runtime: made, resumedFrom = [] } = known.finished.provenance;
  for (const each of [made, ...resumedFrom]) refuseOtherRuntime(each, runtime, task);
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
async function tidyCheckpoints(store: Store, key: Digest, { base }: Attempt): Promise<void> {
  await removeCheckpoints(store, key).catch((error: Error) =>
    base.log.warn(`checkpoints were left behind: ${error.message}`),
  );
}
