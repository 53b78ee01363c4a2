/** One attempt of a training in the real child, with a real store for its checkpoints, and whatever is done to it. */
import { type FSWatcher, mkdirSync, rmSync, watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Digest } from '../../contract/artifact.ts';
import { FurrowError } from '../../contract/errors.ts';
import { modelFiles } from '../../contract/model.ts';
import type { SteppedTrainParams } from '../../contract/stages/train.ts';
import { trainInChild } from '../../lib/models/child/trainInChild.ts';
import { runtimeClass } from '../../lib/models/runtimeClass.ts';
import { commitCheckpoint, newestCheckpoint } from '../../lib/store/checkpoints.ts';
import { digestOf } from '../../lib/store/digest.ts';
import type { Store } from '../../lib/store/store.ts';
import type { Disturbance } from './disturbance.ts';

export interface Training {
  readonly store: Store;
  /** Of its checkpoints: each model that is trained anew has its own. */
  readonly key: Digest;
  /** What checkpoints are bound to, and random numbers drawn from. */
  readonly seed: number;
  readonly features: string;
  /** Its own; emptied before each attempt, as another worker would have its own. */
  readonly folder: string;
}

export interface AttemptEnd {
  readonly kind: 'finished' | 'killed' | 'stopped';
  /** The last step that it said was done, and that of the newest checkpoint that is stored. */
  readonly last: number;
  readonly stored: number;
  /** Milliseconds from the spawn to the first step; from there to the end. */
  readonly startMs: number;
  readonly restMs: number;
}

const runtime = runtimeClass('tensorflow');
const stopReason = new Error('asked to stop');

export async function runAttempt(
  { store, key, seed, features, folder }: Training,
  params: SteppedTrainParams,
  disturbance?: Disturbance,
): Promise<AttemptEnd> {
  rmSync(folder, { recursive: true, force: true });
  const scratch = join(folder, 'checkpoints');
  mkdirSync(scratch, { recursive: true });
  const log = { info: () => {}, warn: (message: string) => process.stderr.write(`${message}\n`) };
  const newest = await newestCheckpoint(store, key, { folder, log, isUsable: () => true });
  const stop = new AbortController();
  const hand = new Hand(disturbance, scratch);
  const started = performance.now();
  let last = newest?.step ?? 0;
  let stored = last;
  let firstAt = Number.NaN;
  const end = (kind: AttemptEnd['kind']): AttemptEnd => ({
    kind,
    last,
    stored,
    startMs: firstAt - started,
    restMs: performance.now() - firstAt,
  });
  try {
    await trainInChild({
      task: {
        features,
        params,
        seed,
        key: 'sha256:resume',
        checkpoint: newest?.file,
        output: join(folder, 'model'),
        scratch,
        work: join(folder, '..', 'work'),
      },
      signal: stop.signal,
      log,
      onSpawn: (pid) => hand.spawned(pid),
      onProgress: ({ done }) => {
        if (done === undefined) return;
        if (Number.isNaN(firstAt)) firstAt = performance.now();
        last = done;
        if (disturbance?.kind === 'stop' && done === disturbance.step) stop.abort(stopReason);
        hand.stepDone(done);
      },
      onCheckpoint: async (step, file) => {
        hand.handedOver();
        await commitCheckpoint(store, key, { step, attempt: 1, runId: 'bench', runtime }, file);
        stored = step;
      },
    });
    return end('finished');
  } catch (error) {
    if (error === stopReason) return end('stopped');
    if (hand.hasKilled && error instanceof FurrowError && error.code === 'CHILD_CRASHED') return end('killed');
    throw error;
  } finally {
    hand.withdraw();
  }
}

/** Kills the child at the moment that the disturbance says. */
class Hand {
  readonly #disturbance: Disturbance | undefined;
  readonly #watcher: FSWatcher | undefined;
  readonly #written = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #pid: number | undefined;
  #handedOver = 0;
  hasKilled = false;

  constructor(disturbance: Disturbance | undefined, scratch: string) {
    this.#disturbance = disturbance;
    if (disturbance?.kind !== 'while writing') return;
    this.#watcher = watch(scratch, (_, name) => {
      if (name === null || this.#written.has(stepOf(name))) return;
      this.#written.add(stepOf(name));
      if (this.#written.size === disturbance.checkpoint) this.#killIn(disturbance.ms);
    });
  }

  spawned(pid: number): void {
    this.#pid = pid;
    if (this.#disturbance?.kind === 'after') this.#killIn(this.#disturbance.ms);
  }

  stepDone(step: number): void {
    if (this.#disturbance?.kind === 'at step' && step === this.#disturbance.step) this.#kill();
  }

  handedOver(): void {
    this.#handedOver++;
    if (this.#disturbance?.kind === 'while storing' && this.#handedOver === this.#disturbance.checkpoint) this.#kill();
  }

  withdraw(): void {
    clearTimeout(this.#timer);
    this.#watcher?.close();
    this.#pid = undefined;
  }

  #killIn(ms: number): void {
    this.#timer = setTimeout(() => this.#kill(), ms);
  }

  #kill(): void {
    if (this.#pid === undefined) return;
    try {
      process.kill(this.#pid, 'SIGKILL');
      this.hasKilled = true;
    } catch {
      // It ended by itself in the same moment.
    }
  }
}

/** A checkpoint is written aside, then renamed: both names have its step in them. */
function stepOf(name: string): string {
  return /\d+/.exec(name)?.[0] ?? name;
}

/** sha256 of the model that the last attempt wrote. */
export async function modelDigest({ folder }: Training): Promise<string> {
  const parts = [modelFiles.description, modelFiles.weights].map((name) => readFile(join(folder, 'model', name)));
  return digestOf(Buffer.concat(await Promise.all(parts)));
}

/** The run log has each step once, in order. */
export async function hasEachStepOnce({ folder }: Training, steps: number): Promise<boolean> {
  const text = await readFile(join(folder, 'model', modelFiles.runLog), 'utf8');
  const rows = text
    .trimEnd()
    .split('\n')
    .map((row) => JSON.parse(row) as { kind: string; step: number });
  const found = rows.filter(({ kind }) => kind === 'step').map(({ step }) => step);
  return found.length === steps && found.every((step, index) => step === index + 1);
}
