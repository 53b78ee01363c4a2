import type { Context } from '@temporalio/activity';
import type { Heartbeat } from '../../contract/messages.ts';
import type { StageProgress } from '../../contract/stage.ts';

/** Milliseconds. Three beats fit into the heartbeat timeout of 15 s even when two are lost. */
const beatEvery = 4000;

/** Keeps an attempt alive while it works, and shows what it does. Heartbeats are hints: nothing is read back from them but by eyes. */
export function startHeartbeats(context: Context, stage: string) {
  let latest: Heartbeat = { stage, doing: 'starting' };
  const beat = () => context.heartbeat(latest);
  const timer = setInterval(beat, beatEvery);
  beat();
  return {
    progress(update: StageProgress) {
      latest = { stage, ...(latest.checkpoint && { checkpoint: latest.checkpoint }), ...update };
      beat();
    },
    checkpoint(step: number) {
      latest = { ...latest, checkpoint: { step } };
      beat();
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
