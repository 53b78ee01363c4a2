import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as setTimeoutPromise } from 'node:timers/promises';
import { type TrainingState, writeCheckpoint } from '../trainer/checkpoint.ts';
import type { Session } from './serveTask.ts';

export interface CheckpointHandover {
  /** Takes the state and sends it off, unless a checkpoint is on its way. */
  whenFree(take: () => TrainingState): void;
  /** Settles when this state is stored, or was tried: at a stop, and when all is trained, there is no later one. */
  last(state: TrainingState): Promise<void>;
  /** Settles when none is on its way, at the latest after `withinMs`. */
  settled(withinMs?: number): Promise<void>;
}

/**
 * Hands a training's checkpoints to the parent. At most one is on its way: one that is due meanwhile is left to a later step, and
 * training never waits for disk or store. One that could not be written or stored is a warning: the one before it still stands.
 *
 * @param folder where they lie until the parent has them
 * @param newest the step of the one that there is already
 */
export function checkpointHandover(
  session: Pick<Session, 'checkpoint' | 'warn'>,
  folder: string,
  newest: number | undefined,
): CheckpointHandover {
  let onItsWay: Promise<void> | undefined;
  let stored = newest;
  const send = async (state: TrainingState): Promise<void> => {
    const { step } = state.position;
    const file = join(folder, `checkpoint-${step}`);
    try {
      await writeCheckpoint(file, state);
      // Where it was not stored, the parent has said so.
      if (await session.checkpoint(step, file)) stored = step;
    } catch (error) {
      session.warn(
        `checkpoint of step ${step} was not written: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
    await rm(file, { force: true }).catch(() => {});
    onItsWay = undefined;
  };
  return {
    whenFree: (take) => {
      if (!onItsWay) onItsWay = send(take());
    },
    last: async (state) => {
      await onItsWay;
      if (stored !== state.position.step) await send(state);
    },
    settled: async (withinMs) => {
      if (withinMs === undefined) return onItsWay;
      const timer = new AbortController();
      const late = setTimeoutPromise(withinMs, undefined, { signal: timer.signal }).catch(() => {});
      await Promise.race([onItsWay, late]);
      timer.abort();
    },
  };
}
