import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { loadCatalog, type StageCode } from '../../activities/attempt/catalog.ts';
import type { Digest } from '../../contract/artifact.ts';
import {
  progressQuery,
  type RunRecord,
  type TrainPipelineInput,
  type TrainPipelineRequest,
  type TrainPipelineResult,
  workflowType,
} from '../../contract/messages.ts';
import { mainQueue } from '../../contract/queues.ts';
import type { Stage } from '../../contract/stage.ts';
import { fingerprintOf } from '../../lib/code/fingerprints.ts';
import type { TemporalTarget } from '../../lib/connection/connection.ts';
import { digestOf } from '../../lib/store/digest.ts';
import { openStore, type Store } from '../../lib/store/store.ts';
import { type EmbeddedServer, startEmbeddedServer } from '../../worker/embeddedServer.ts';
import { allQueues } from '../../worker/roles.ts';
import { type RunningWorker, startWorker } from '../../worker/startWorker.ts';
import { failureConverter } from '../../workflows/failureConverter.ts';
import { keepLogs } from './logs.ts';
import { replayAll } from './replay.ts';

export interface TestFurrow {
  readonly client: Client;
  readonly target: TemporalTarget;
  /** The folder that stands for a user's project: relative paths and the default store start here. */
  readonly folder: string;
  readonly home: string;
  /** Starts a worker in this process; it is drained at the end. */
  work(queues?: readonly string[], code?: StageCode): Promise<RunningWorker>;
  /** Nobody is there to retry, so it fails when a stage has, unless the test says otherwise. */
  start(yaml: string, request?: Omit<TrainPipelineRequest, 'config'>): Promise<WorkflowHandle>;
  startWith(input: TrainPipelineInput): Promise<WorkflowHandle>;
  /** Runs a pipeline to its end. */
  run(yaml: string, request?: Omit<TrainPipelineRequest, 'config'>): Promise<TrainPipelineResult>;
  progress(handle: WorkflowHandle): Promise<RunRecord>;
  /** Waits until the run's record is as wanted. */
  until(handle: WorkflowHandle, wanted: (record: RunRecord) => boolean, seconds?: number): Promise<RunRecord>;
  store(): Promise<Store>;
  /** Kills the server as a power cut would, and starts it again on the same database and ports. */
  crashServer(): Promise<void>;
  /** Replays every execution of this server against the workflow code, then takes everything down. */
  close(): Promise<void>;
}

/** Test files run side by side: two that ask for the usual ports at once would meet there. */
const anyPorts = { port: 0, uiPort: 0 };

/** A Temporal server of its own, a project folder of its own, and the product as it is: no mock. */
export async function testFurrow(): Promise<TestFurrow> {
  keepLogs();
  const folder = mkdtempSync(join(tmpdir(), 'furrow-test-'));
  const home = join(folder, '.furrow');
  let server: EmbeddedServer = await startEmbeddedServer(home, anyPorts);
  const target: TemporalTarget = {
    address: server.address,
    namespace: server.namespace,
    ui: server.ui,
    from: 'environment',
  };
  const connection = await Connection.connect({ address: server.address });
  const client = new Client({ connection, dataConverter: { failureConverter } as never });
  const workers: RunningWorker[] = [];

  const startWith: TestFurrow['startWith'] = (input) =>
    client.workflow.start(workflowType, {
      taskQueue: mainQueue,
      workflowId: `test-${randomUUID().slice(0, 8)}`,
      args: input === undefined ? [] : [input],
    });
  const start: TestFurrow['start'] = (yaml, request = {}) =>
    startWith({ config: { file: 'test.yaml', text: yaml, baseFolder: folder }, onFailure: 'fail', ...request });
  const progress: TestFurrow['progress'] = (handle) => handle.query<RunRecord, []>(progressQuery);

  return {
    client,
    target,
    folder,
    home,
    async work(queues = allQueues, code) {
      const worker = await startWorker({ target, queues, baseFolder: folder, code: code ?? (await builtCode()) });
      workers.push(worker);
      return worker;
    },
    start,
    startWith,
    run: async (yaml, request) => (await start(yaml, request)).result(),
    progress,
    async until(handle, wanted, seconds = 30) {
      const deadline = Date.now() + seconds * 1000;
      for (;;) {
        const record = await progress(handle).catch(() => undefined);
        if (record && wanted(record)) return record;
        if (Date.now() > deadline)
          throw new Error(`Not within ${seconds} s: ${JSON.stringify(record?.stages, null, 1)}`);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    },
    store: () => openStore(pathToFileURL(join(folder, '.furrow/store')).href, { create: true }),
    async crashServer() {
      const ended = once(server.process, 'exit');
      server.process.kill('SIGKILL');
      await ended;
      server = await startEmbeddedServer(home, { port: portOf(server.address), uiPort: portOf(server.ui) });
    },
    async close() {
      for (const worker of workers) worker.shutdown();
      await Promise.all(workers.map((worker) => worker.done));
      try {
        await replayAll(client);
      } finally {
        await connection.close();
        const ended = once(server.process, 'exit');
        server.process.kill('SIGINT');
        await ended;
        rmSync(folder, { recursive: true, force: true });
      }
    },
  };
}

function portOf(address: string): number {
  return Number(address.split(':').pop());
}

/** The stages as built, and those that a test brings, known by `fingerprints` where they are named there. */
export async function builtCode(
  extra: readonly Stage[] = [],
  fingerprints: Readonly<Record<string, Digest>> = {},
): Promise<StageCode> {
  const own = new Map(extra.map((stage) => [stage.contract.name, stage]));
  return {
    catalog: new Map([...(await loadCatalog()), ...own]),
    fingerprintOf: (uses) =>
      fingerprints[uses] ?? (own.has(uses) ? digestOf(`test stage ${uses}`) : fingerprintOf(uses)),
  };
}
