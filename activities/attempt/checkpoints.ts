import type { Context } from '@temporalio/activity';
import type { Digest, RuntimeClass } from '../../contract/artifact.ts';
import { FurrowError } from '../../contract/errors.ts';
import type { StageTask } from '../../contract/messages.ts';
import type { AttemptContext, Checkpoints } from '../../contract/stage.ts';
import { commitCheckpoint, newestCheckpoint, type StoredCheckpoint } from '../../lib/store/checkpoints.ts';
import type { Store } from '../../lib/store/store.ts';
import type { Heartbeats } from './heartbeats.ts';
import { sameRuntime } from './runtime.ts';

interface Request {
  readonly store: Store;
  readonly key: Digest;
  readonly context: Context;
  readonly heartbeats: Heartbeats;
  readonly base: AttemptContext<unknown>;
  readonly runtime: RuntimeClass;
  readonly task: StageTask;
}

export interface AttemptCheckpoints extends Checkpoints {
  /** The other runtime classes behind the checkpoint that this attempt went on from. */
  readonly resumedFrom: readonly RuntimeClass[];
}

/** The checkpoints of one attempt: committed to the store first, then named by the heartbeat. */
export function attemptCheckpoints(request: Request): AttemptCheckpoints {
  const { store, key, context, heartbeats, base, runtime, task } = request;
  const { runId } = task.run;
  let resumedFrom: readonly RuntimeClass[] = [];
  return {
    get resumedFrom() {
      return resumedFrom;
    },
    async newest() {
      // A run that makes a result again goes on from nobody's steps but its own.
      const isUsable = (entry: StoredCheckpoint) => task.cache === 'reuse' || entry.runId === runId;
      const found = await newestCheckpoint(store, key, { folder: base.scratch, log: base.log, isUsable });
      if (!found) return undefined;
      const classes = [...(found.resumedFrom ?? []), found.runtime].filter((made) => !sameRuntime(made, runtime));
      if (classes.length > 0) {
        if (task.strictRuntime) throw refusal(found, runtime);
        base.log.warn(
          "going on in another runtime class than the checkpoint's: the model may differ in the last bits",
          { step: found.step },
        );
      }
      resumedFrom = classes;
      heartbeats.checkpoint(found.step);
      return found;
    },
    startOver() {
      resumedFrom = [];
    },
    async commit(step, file) {
      const { attempt } = context.info;
      await commitCheckpoint(store, key, { step, attempt, runId, runtime, resumedFrom }, file);
      heartbeats.checkpoint(step);
    },
  };
}

function refusal(found: StoredCheckpoint, here: RuntimeClass): FurrowError {
  const message = `The checkpoint of step ${found.step} was made in another runtime class, and strictRuntime is set`;
  return new FurrowError('RUNTIME_CLASS_CHANGED', message, {
    details: { made: { ...found.runtime }, here: { ...here } },
  });
}
