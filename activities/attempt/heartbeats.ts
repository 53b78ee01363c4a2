import type { Context } from '@temporalio/activity';
import type { FailureCode } from '../../contract/errors.ts';
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
  let latest: Heartbeat = { stage, doing: 'starting', ...(isHeartbeat(before) && pick(before)) };
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
      latest = { stage, ...pick(latest), ...update, doing };
      // What comes sooner goes with the next one.
      if (performance.now() - beaten >= progressEvery) beat();
    },
    checkpoint(step: number) {
      latest = { ...latest, checkpoint: { step } };
      beat();
    },
    /** Tells the next attempt; gives how many in a row ended with `code` and got no further than their checkpoint. */
    ended(code: FailureCode): number {
      const checkpoint = latest.checkpoint?.step ?? 0;
      const last = latest.ended;
      const times = last?.code === code && last.checkpoint === checkpoint ? last.times + 1 : 1;
      latest = { ...latest, ended: { code, checkpoint, times } };
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

/** What stays when the progress changes. */
function pick({ checkpoint, ended }: Heartbeat): Pick<Heartbeat, 'checkpoint' | 'ended'> {
  return { ...(checkpoint && { checkpoint }), ...(ended && { ended }) };
}

export type Heartbeats = ReturnType<typeof startHeartbeats>;
