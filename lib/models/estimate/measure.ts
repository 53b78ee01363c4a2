/** Measures a training in a process of its own, which is ended before it can take more memory than there is. */
import { FurrowError } from '../../../contract/errors.ts';
import { entryPoint } from '../../code/root.ts';
import { watchMemory } from '../child/memory.ts';
import { runChild } from '../child/runChild.ts';
import type { MeasuredStep } from './measuredSteps.ts';
import type { MeasuredMetrics, MeasuredNetwork, MeasureTask } from './measureTask.ts';

export interface Measurement extends MeasuredNetwork {
  /** By ascending plots; at least one. */
  readonly steps: readonly MeasuredStep[];
}

/** Of the available memory: above, the measurement is ended. */
const mostShare = 0.9;
/** Of the available memory: a batch that is expected to take more is not tried. */
const safeShare = 0.7;
/** Seconds after which what is measured by then has to do: steps are planned for less, but a busy machine keeps no plan. */
const patience = 90;

export interface MeasureOptions extends Omit<MeasureTask, 'bytes'> {
  /** Bytes. */
  readonly available: number;
  readonly onProgress?: (doing: string) => void;
  /** The built program; for tests. */
  readonly entry?: string;
}

/**
 * @returns undefined when not even the smallest batch was measured, because it takes more memory than is available
 * @throws FurrowError when the training cannot be: `CONFIG_INVALID`, `BACKEND_MISSING`, `CHILD_CRASHED`, `STAGE_TIMED_OUT`
 */
export async function measureTraining(options: MeasureOptions): Promise<Measurement | undefined> {
  const { available, onProgress, entry, ...task } = options;
  const measured: MeasuredMetrics[] = [];
  const controller = new AbortController();
  const large = new Error('too much memory');
  const slow = new FurrowError('STAGE_TIMED_OUT', `A step of 2 plots was not done within ${patience} s`);
  const timer = setTimeout(() => controller.abort(slow), patience * 1000);
  let watched: { stop(): void } | undefined;
  try {
    await runChild({
      entry: entry ?? entryPoint('lib/models/child/measureMain.ts'),
      task: { ...task, bytes: safeShare * available } satisfies MeasureTask,
      signal: controller.signal,
      stopGraceMs: 0,
      log: { info: () => {}, warn: () => {} },
      onSpawn: (pid) => {
        watched = watchMemory(pid, ({ resident }) => {
          if (resident > mostShare * available) controller.abort(large);
        });
      },
      onProgress: ({ doing, metrics }) => {
        if (metrics) measured.push(metrics as unknown as MeasuredMetrics);
        else onProgress?.(doing);
      },
    });
  } catch (error) {
    const outOfMemory = error instanceof FurrowError && error.code === 'CHILD_OUT_OF_MEMORY';
    const endedByUs = error === large || (error === slow && measured.length > 0);
    if (!endedByUs && !outOfMemory) throw error;
  } finally {
    clearTimeout(timer);
    watched?.stop();
  }
  const last = measured.at(-1);
  if (!last) return undefined;
  return { weights: last.weights, stateBytes: last.stateBytes, steps: measured };
}
