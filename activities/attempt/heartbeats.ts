import type { Context } from '@temporalio/activity';
import { type Heartbeat, isHeartbeat } from '../../contract/messages.ts';
import { redact } from '../../contract/redact.ts';
import type { StageProgress } from '../../contract/stage.ts';

/** Milliseconds. Three beats fit into the heartbeat timeout of 15 s even when two are lost. */
const beatEvery = 4000;

/** Milliseconds. A small network takes hundreds of steps a second; people and the server need no more than a few of them. */
const progressEvery = 250;

/** Characters: one line of a terminal. */
const longestDoing = 200;

/** Keeps an attempt alive while it works, and shows what it does. Heartbeats are hints: no work is decided by what they say. */
export function startHeartbeats(context: Context, stage: string, secrets: readonly string[]) {
  const before: unknown = context.info.heartbeatDetails;
  // The first beat takes the place of the last attempt's: what that had reached must not be forgotten by it.
  const reached = isHeartbeat(before) ? before.checkpoint : undefined;
  const exhausted = isHeartbeat(before) ? before.outOfMemory : undefined;
  let latest: Heartbeat = {
    stage,
    doing: 'starting',
    ...(reached && { checkpoint: reached }),
    ...(exhausted && { outOfMemory: exhausted }),
  };
  let beaten = 0;
  const beat = () => {
    beaten = performance.now();
    context.heartbeat(latest);
  };
  const timer = setInterval(beat, beatEvery);
  beat();
  return {
    progress(update: StageProgress) {
      const doing = redact(update.doing, secrets, longestDoing);
      const { checkpoint, outOfMemory } = latest;
      latest = { stage, ...(checkpoint && { checkpoint }), ...(outOfMemory && { outOfMemory }), ...update, doing };
      // What comes sooner goes with the next one.
      if (performance.now() - beaten >= progressEvery) beat();
    },
    checkpoint(step: number) {
      latest = { ...latest, checkpoint: { step } };
      beat();
    },
    /** Tells the next attempt; gives how many in a row got no further than their checkpoint. */
    ranOutOfMemory(): number {
      const checkpoint = latest.checkpoint?.step ?? 0;
      const times = latest.outOfMemory?.checkpoint === checkpoint ? latest.outOfMemory.times + 1 : 1;
      latest = { ...latest, outOfMemory: { checkpoint, times } };
      beat();
      return times;
    },
    get checkpointStep() {
      return latest.checkpoint?.step;
    },
    stop() {
      clearInterval(timer);
    },
  };
}

export type Heartbeats = ReturnType<typeof startHeartbeats>;
