import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { WorkflowHandle } from '@temporalio/client';
import { expect } from 'vitest';
import type { TrainPipelineResult } from '../../contract/messages.ts';
import { openStore, type Store } from '../../lib/store/store.ts';
import { type TestFurrow, testFurrow } from './furrow.ts';
import { longTraining, untilCheckpoint } from './pipelines.ts';
import { installProduct, spawnWorker, type WorkerProcess, type WorkerSettings } from './product.ts';

/** A server, workers in processes of their own, and a training whose undisturbed end is known. */
export interface TrainingScene {
  readonly furrow: TestFurrow;
  /** Starts one more worker. */
  worker(settings?: WorkerSettings): Promise<WorkerProcess>;
  /** Waits until a checkpoint of the training is stored; gives the process that trains. */
  inTraining(handle: WorkflowHandle, by: WorkerProcess): Promise<number>;
  /** Waits for the end of the run; gives the step that its training went on from. */
  expectSameModel(handle: WorkflowHandle): Promise<number>;
  /** A store of the test's project, by its folder below `stores/`. */
  store(name: string): Promise<Store>;
  killWorkers(): Promise<void>;
  close(): Promise<void>;
}

/** The pipeline of a {@link TrainingScene}, on a store of its own. */
export const training = (store: string) => longTraining(store.startsWith('/') ? store : `stores/${store}`);

export async function trainingScene(): Promise<TrainingScene> {
  const furrow = await testFurrow();
  const product = installProduct(furrow.folder);
  const workers: WorkerProcess[] = [];
  const worker = async (settings?: WorkerSettings) => {
    const started = await spawnWorker(furrow, product, settings);
    workers.push(started);
    return started;
  };
  const killWorkers = async () => {
    for (const each of workers.splice(0)) await each.kill();
  };
  await worker();
  const undisturbed = digestOf(await furrow.run(training('undisturbed')));
  await killWorkers();
  return {
    furrow,
    worker,
    async inTraining(handle, by) {
      await untilCheckpoint(handle);
      const [child] = by.children('trainMain');
      if (child === undefined) throw new Error('Expected the worker to train in a child process');
      return child;
    },
    async expectSameModel(handle) {
      const result = (await handle.result()) as TrainPipelineResult;
      expect(digestOf(result)).toBe(undisturbed);
      return Number(result.stages.model?.facts.resumedAtStep);
    },
    store: (name) => openStore(pathToFileURL(join(furrow.folder, 'stores', name)).href, { create: false }),
    killWorkers,
    close: () => furrow.close(),
  };
}

function digestOf(result: TrainPipelineResult): string {
  return result.stages.model?.artifact.digest as string;
}
