import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { NativeConnection, Worker, type WorkflowBundleOption } from '@temporalio/worker';
import { workerActivities } from '../activities/attempt/activities.ts';
import { loadCatalog, type StageCode } from '../activities/attempt/catalog.ts';
import { allowExclusive } from '../activities/attempt/slots.ts';
import { FurrowError } from '../contract/errors.ts';
import { fingerprintOf } from '../lib/code/fingerprints.ts';
import { productRoot } from '../lib/code/root.ts';
import { connectionOptions, type TemporalTarget } from '../lib/connection/connection.ts';
import { type Role, roleOf } from './roles.ts';

export interface WorkerOptions {
  readonly target: TemporalTarget;
  readonly queues: readonly string[];
  /** The folder that holds `configs/` and that relative paths start from. */
  readonly baseFolder: string;
  readonly parallelTrainings?: number;
  /** In place of the stages in `activities/`, as the build knows them. */
  readonly code?: StageCode;
}

export interface RunningWorker {
  /** Ends when the worker has drained, or fails. */
  readonly done: Promise<void>;
  shutdown(): void;
}

/** Seconds after which a shutdown no longer waits: a container's usual grace time is 30. */
const forceAfter = 20;

/** Starts a worker for each queue, in this process. */
export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  const { target, parallelTrainings = 1 } = options;
  allowExclusive(parallelTrainings);
  const connection = await NativeConnection.connect(connectionOptions(target));
  const code = options.code ?? { catalog: await loadCatalog(), fingerprintOf };
  const activities = workerActivities(code, {
    baseFolder: options.baseFolder,
    ui: target.ui,
    namespace: target.namespace,
  });
  const workers = await Promise.all(
    options.queues.map((queue) => create(roleOf(queue, parallelTrainings), { connection, target, activities })),
  );
  const done = Promise.all(workers.map((worker) => worker.run())).then(() => connection.close());
  return {
    done,
    shutdown() {
      for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
    },
  };
}

interface Shared {
  readonly connection: NativeConnection;
  readonly target: TemporalTarget;
  readonly activities: Record<string, (...args: never[]) => Promise<unknown>>;
}

function create(role: Role, { connection, target, activities }: Shared): Promise<Worker> {
  return Worker.create({
    connection,
    namespace: target.namespace,
    taskQueue: role.queue,
    activities,
    ...(role.runsWorkflows && { workflowBundle: workflowBundle() }),
    dataConverter: { failureConverterPath: join(productRoot, 'dist/workflows/failureConverter.cjs') },
    maxConcurrentActivityTaskExecutions: role.parallel,
    // Bounds how late a cancel arrives, too: it comes with the answer to a heartbeat.
    maxHeartbeatThrottleInterval: '3 seconds',
    defaultHeartbeatThrottleInterval: '3 seconds',
    shutdownGraceTime: role.grace * 1000,
    shutdownForceTime: forceAfter * 1000,
  });
}

/** Bundled when built: nothing is compiled at a worker's start, and all workers of a build run the same code. */
function workflowBundle(): WorkflowBundleOption {
  const codePath = join(productRoot, 'dist/workflows/bundle.js');
  try {
    readFileSync(codePath);
  } catch (cause) {
    throw new FurrowError('SETUP_INCOMPLETE', 'The build is not there: dist/workflows/bundle.js cannot be read', {
      cause,
    });
  }
  return { codePath };
}
