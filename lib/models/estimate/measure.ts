/** Measures a training in processes of its own, each of which is ended before it can take more memory than there is. */
import { FurrowError } from '../../../contract/errors.ts';
import { entryPoint } from '../../code/root.ts';
import { watchMemory } from '../child/memory.ts';
import { runChild } from '../child/runChild.ts';
import { type MeasuredStep, nextBatch } from './measuredSteps.ts';
import type { MeasuredNetwork, MeasureTask } from './measureTask.ts';

export interface Measurement extends MeasuredNetwork {
  /** By ascending plots; at least one. */
  readonly steps: readonly MeasuredStep[];
}

/** Of the available memory: above, the measurement is ended. */
const mostShare = 0.9;
/** Of the available memory: a batch that is expected to take more is not tried. */
const safeShare = 0.7;
/** Seconds after which a batch is given up: steps are planned for less, but a busy machine keeps no plan. */
const patience = 90;

/** Steps of the training's own batch size that are counted; of smaller ones, which are there for their memory, one is. */
const counted = 3;

export interface MeasureOptions extends Pick<MeasureTask, 'params' | 'input'> {
  /** Plots of the training's largest step. */
  readonly target: number;
  /** Bytes. */
  readonly available: number;
  /** That all should take together. */
  readonly seconds: number;
  readonly onProgress?: (doing: string) => void;
  /** The built program; for tests. */
  readonly entry?: string;
}

/**
 * Takes steps of ever larger batches, each in a process of its own: what a smaller one leaves behind in TensorFlow's allocator is
 * as much as an eighth of the next one's peak.
 *
 * @returns undefined when not even the smallest batch was measured, because it takes more memory than is available
 * @throws FurrowError when the training cannot be: `CONFIG_INVALID`, `BACKEND_MISSING`, `CHILD_CRASHED`, `STAGE_TIMED_OUT`
 */
export async function measureTraining(options: MeasureOptions): Promise<Measurement | undefined> {
  const { available, target, onProgress } = options;
  const steps: (MeasuredStep & MeasuredNetwork)[] = [];
  const started = performance.now();
  for (;;) {
    const seconds = options.seconds - (performance.now() - started) / 1000;
    const plots = nextBatch(steps, { target, seconds, bytes: safeShare * available });
    if (plots === undefined) break;
    onProgress?.(`steps of ${plots} plots`);
    const measured = await measureBatch(options, { plots, seconds, steps: plots >= target ? counted : 1 });
    if (measured === 'too large' || (measured === 'too slow' && steps.length > 0)) break;
    if (measured === 'too slow')
      throw new FurrowError('STAGE_TIMED_OUT', `A step of ${plots} plots was not done within ${patience} s`);
    steps.push(measured);
  }
  const last = steps.at(-1);
  return last && { weights: last.weights, stateBytes: last.stateBytes, steps };
}

async function measureBatch(
  { params, input, available, entry = entryPoint('lib/models/child/measureMain.ts') }: MeasureOptions,
  batch: Pick<MeasureTask, 'plots' | 'steps' | 'seconds'>,
): Promise<(MeasuredStep & MeasuredNetwork) | 'too large' | 'too slow'> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort('too slow'), patience * 1000);
  let watched: { stop(): void } | undefined;
  try {
    return (await runChild({
      entry,
      task: { params, input, ...batch } satisfies MeasureTask,
      signal: controller.signal,
      stopGraceMs: 0,
      log: { info: () => {}, warn: () => {} },
      onSpawn: (pid) => {
        watched = watchMemory(pid, ({ resident }) => {
          if (resident > mostShare * available) controller.abort('too large');
        });
      },
    })) as MeasuredStep & MeasuredNetwork;
  } catch (error) {
    if (error === 'too large' || error === 'too slow') return error;
    if (error instanceof FurrowError && error.code === 'CHILD_OUT_OF_MEMORY') return 'too large';
    throw error;
  } finally {
    clearTimeout(timer);
    watched?.stop();
  }
}
