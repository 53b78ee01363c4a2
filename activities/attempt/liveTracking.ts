import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { StageTask } from '../../contract/messages.ts';
import type { StageLog, StoredContent } from '../../contract/stage.ts';
import { putBlobFile } from '../../lib/store/blobs.ts';
import { openStoreAt } from '../../lib/store/store.ts';
import { trackedTraining } from '../../lib/tracking/trackedRuns.ts';
import { findAccount } from '../../lib/tracking/wandb/account.ts';
import { type Sender, startSender } from '../../lib/tracking/wandb/startSender.ts';
import { pageOf, type UiSettings } from './tracking.ts';

/** Milliseconds that an attempt waits at its end for the rows that are on their way: what is left is sent from the store. */
const lastRowsMs = 700;

export interface LiveTracking {
  /** A file that the stage logs its rows to is shown as it grows. */
  follow(file: string): Promise<void>;
  /** @param whole the log is complete, its last row, too */
  end(whole: boolean): Promise<void>;
  /** Keeps the log of an attempt that has failed; undefined where there is none, or the store does not take it. */
  keep(): Promise<StoredContent | undefined>;
}

interface Attempted {
  readonly task: StageTask;
  readonly log: StageLog;
  readonly settings: UiSettings;
}

/** Shows a training while it goes on. Nothing that goes wrong with it reaches the training. */
export function liveTracking({ task, log, settings }: Attempted): LiveTracking {
  let followed: string | undefined;
  let sender: Sender | undefined;
  return {
    async follow(file) {
      const { tracking } = task;
      if (!tracking || tracking.mode === 'disabled') return;
      followed = file;
      if (tracking.mode === 'offline' || sender) return;
      if (!(await findAccount())) {
        log.warn('W&B is told of this training at its end: this worker has no key (WANDB_API_KEY or ~/.netrc)');
        return;
      }
      sender = startSender({
        task: { run: runOf(task, settings), rows: { file, format: 'runLog', grows: true }, images: [] },
        onOpened: (address) => log.info(`shown at ${address}`),
        onTrouble: (message) => log.warn(`${message}; rows are kept and sent later`),
      });
    },
    async end(whole) {
      if (!sender) return;
      // W&B was never heard, or not lately: a run of many trainings must not wait for each.
      const isHeard = sender.address !== undefined && !sender.trouble;
      if (isHeard) await Promise.race([sender.end(whole), sleep(lastRowsMs)]);
      sender.kill();
    },
    async keep() {
      try {
        if (!followed || !existsSync(followed) || (await stat(followed)).size === 0) return undefined;
        const { digest, bytes } = await putBlobFile(await openStoreAt(task.store), followed);
        return { digest, bytes };
      } catch (error) {
        log.warn(`the log of this attempt was not kept: ${error instanceof Error ? error.message : String(error)}`);
        return undefined;
      }
    },
  };
}

function runOf(task: StageTask, settings: UiSettings) {
  const { run, stage, replay = 0, params, seed, fingerprint, inputs, tracking } = task;
  if (!tracking) throw new TypeError('Expected a task that is tracked');
  const digests = Object.values(inputs)
    .flat()
    .map(({ stage: name, artifact }) => [name, artifact.digest] as const);
  const startedAt = new Date().toISOString();
  return trackedTraining(
    { run, stage, replay, params, seed, fingerprint, inputs: Object.fromEntries(digests), startedAt, state: 'running' },
    { tracking, commit: tracking.commit, page: pageOf(settings) },
  );
}
