/** What can be seen of a training from outside: its process, by the claim that it holds, and its checkpoints in the store. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import type { Digest } from '../../contract/artifact.ts';
import { isAlive, type ProcessMark } from '../../lib/models/child/processMark.ts';
import { workFolder } from '../../lib/models/child/workClaim.ts';
import { checkpointFolder } from '../../lib/store/names.ts';
import { type SteppedStage, steppedStages } from './pipeline.ts';

/** Of each stage: the same in every run, as nothing that a key is made of differs. */
export type Keys = Readonly<Record<string, Digest>>;

export interface Training {
  readonly stage: SteppedStage;
  readonly pid: number;
  /** Milliseconds since 1970: when its process began, which then loads TensorFlow for a second or two. */
  readonly since: number;
}

/** @param temporary the folder for temporary files of the workers that are asked about */
export function trainingsIn(temporary: string, keys: Keys): Training[] {
  return steppedStages.flatMap((stage) => {
    const folder = join(temporary, relative(tmpdir(), workFolder(keys[stage] as Digest)));
    try {
      const file = join(folder, 'claim.json');
      const mark = JSON.parse(readFileSync(file, 'utf8')) as ProcessMark;
      return isAlive(mark) ? [{ stage, pid: mark.pid, since: statSync(file).mtimeMs }] : [];
    } catch {
      // Nobody trains it, or ended in this moment.
      return [];
    }
  });
}

export interface LostWork {
  readonly seconds: number;
  /** Since its process began, which includes loading TensorFlow; otherwise since its newest checkpoint. */
  readonly sinceStart: boolean;
}

/** Work that is not in the store, and so is done again when the training ends at `at`. */
export function workSinceCheckpoint(store: string, keys: Keys, { stage, since }: Training, at: number): LostWork {
  const newest = Math.max(0, ...timesIn(join(store, checkpointFolder(keys[stage] as Digest))));
  return { seconds: Math.max(0, at - Math.max(since, newest)) / 1000, sinceStart: since >= newest };
}

function timesIn(folder: string): number[] {
  try {
    return readdirSync(folder).map((name) => statSync(join(folder, name)).mtimeMs);
  } catch {
    // None is there yet, or one was pruned between the two calls: then a newer one was just stored.
    return [];
  }
}
