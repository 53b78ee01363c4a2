/** Attempts at a training in the real child program, for tests that disturb it. */
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Digest } from '../../../contract/artifact.ts';
import { modelFiles } from '../../../contract/model.ts';
import type { TrainParams } from '../../../contract/stages/train.ts';
import { runChild } from '../child/runChild.ts';
import type { TrainResult, TrainTask } from '../child/trainTask.ts';

export interface Attempt {
  /** Where its model goes, below the laboratory's folder. */
  readonly name: string;
  readonly checkpoint?: string | undefined;
  readonly signal?: AbortSignal;
  readonly task?: Partial<TrainTask>;
  /** @param stored the step of the newest checkpoint that this attempt stored; 0 before */
  onStep?(step: number, pid: number, stored: number): void;
}

export interface AttemptsOptions {
  /** The built program. */
  readonly entry: string;
  readonly folder: string;
  readonly features: string;
  readonly params: TrainParams;
}

/** Runs attempts of one training; the newest checkpoint that an attempt stored is in `stored`, by its step. */
export function trainingAttempts({ entry, folder, features, params }: AttemptsOptions) {
  mkdirSync(folder, { recursive: true });
  const at = (name: string, file: string) => readFile(join(folder, name, file));
  return {
    async attempt({ name, checkpoint, signal = new AbortController().signal, task, onStep }: Attempt) {
      let pid = 0;
      let stored: { readonly step: number; readonly file: string } | undefined;
      const steps: number[] = [];
      const run = runChild({
        entry,
        signal,
        log: { info: () => {}, warn: () => {} },
        task: {
          features,
          params,
          seed: 42,
          key: 'sha256:test' as Digest,
          checkpoint,
          output: join(folder, name),
          scratch: folder,
          work: join(folder, `work-${name}`),
          ...task,
        } satisfies TrainTask,
        onSpawn: (spawned) => {
          pid = spawned;
        },
        onProgress: ({ done }) => {
          if (done !== undefined) onStep?.(done, pid, stored?.step ?? 0);
        },
        onCheckpoint: async (step, file) => {
          const kept = join(folder, `${name}-stored-${step}`);
          await copyFile(file, kept);
          stored = { step, file: kept };
          steps.push(step);
        },
      });
      const end = await run.then(
        (result) => ({ result: result as TrainResult, error: undefined }),
        (error: unknown) => ({ result: undefined, error }),
      );
      return { ...end, stored, steps };
    },

    /** Of the model that an attempt left: all of its artifact, and what it held out where there are folds. */
    async digest(name: string): Promise<string> {
      const hash = createHash('sha256');
      const { description, weights, heldOut, learningCurve } = modelFiles;
      const ofSteps = params.model === 'ridge' ? [] : [learningCurve, ...(params.folds === undefined ? [] : [heldOut])];
      for (const file of [description, weights, ...ofSteps]) hash.update(await at(name, file));
      return hash.digest('hex');
    },

    /** The steps of the run log's rows. */
    async stepRows(name: string): Promise<number[]> {
      const rows = (await at(name, 'runlog.jsonl'))
        .toString()
        .trim()
        .split('\n')
        .map((row) => JSON.parse(row));
      return rows.filter((row) => row.kind === 'step').map((row) => row.step);
    },
  };
}
