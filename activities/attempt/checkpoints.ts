import type { Context } from '@temporalio/activity';
import type { Digest, RuntimeClass } from '../../contract/artifact.ts';
import { FurrowError } from '../../contract/errors.ts';
import type { AttemptContext, Checkpoints } from '../../contract/stage.ts';
import { commitCheckpoint, newestCheckpoint } from '../../lib/store/checkpoints.ts';
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
  readonly strict: boolean;
}

/** The checkpoints of one attempt: committed to the store first, then named by the heartbeat. */
export function attemptCheckpoints({ store, key, context, heartbeats, base, runtime, strict }: Request): Checkpoints {
  // Unique among all attempts of this key: two runs may train the same key at once.
  const { attempt, workflowExecution, activityId } = context.info;
  const name = `${attempt}-${(workflowExecution?.runId ?? activityId).slice(0, 8)}`;
  return {
    async newest() {
      const found = await newestCheckpoint(store, key, base.scratch, base.log);
      if (!found) return undefined;
      if (!sameRuntime(found.runtime, runtime)) {
        if (strict) {
          throw new FurrowError(
            'RUNTIME_CLASS_CHANGED',
            `The checkpoint of step ${found.step} was made in another runtime class, and strictRuntime is set`,
            {
              details: { made: { ...found.runtime }, here: { ...runtime } },
            },
          );
        }
        base.log.warn(
          `going on in another runtime class than the checkpoint's: the model may differ in the last bits`,
          { step: found.step },
        );
      }
      heartbeats.checkpoint(found.step);
      return found;
    },
    async commit(step, file) {
      await commitCheckpoint(store, key, { step, attempt: name, runtime }, file);
      heartbeats.checkpoint(step);
    },
  };
}
