import { parseArgs } from 'node:util';
import { Connection } from '@temporalio/client';
import { DefaultLogger, makeTelemetryFilterString, Runtime } from '@temporalio/worker';
import pino from 'pino';
import { loadCatalog } from '../activities/attempt/catalog.ts';
import { sweepScratch } from '../activities/attempt/scratch.ts';
import { FurrowError } from '../contract/errors.ts';
import type { JsonObject } from '../contract/json.ts';
import { redact, redactJson } from '../contract/redact.ts';
import { buildWasReplaced, currentFingerprintOf } from '../lib/code/fingerprints.ts';
import { connectionOptions, findTemporalTarget, type TemporalTarget } from '../lib/connection/connection.ts';
import { homeFolder } from '../lib/home/home.ts';
import { sweepClaims } from '../lib/models/child/workClaim.ts';
import { environmentSecrets } from '../lib/secrets/secrets.ts';
import { allQueues } from './roles.ts';
import { checkSearchAttributes } from './searchAttributes.ts';
import { startWorker } from './startWorker.ts';

/** The worker program: `worker/main.js --queues furrow,train-gpu [--base FOLDER] [--parallel-trainings N] [--address HOST:PORT] [--ui URL]`. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      queues: { type: 'string', default: allQueues.join(',') },
      base: { type: 'string', default: process.cwd() },
      'parallel-trainings': { type: 'string', default: '1' },
      /** Of the embedded server; else Temporal's environment configuration says. */
      address: { type: 'string' },
      namespace: { type: 'string', default: 'default' },
      /** Of the embedded server: what trackers link to. */
      ui: { type: 'string' },
    },
  });
  const secrets = environmentSecrets();
  const log = pino(
    { base: { pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ fd: 2, sync: true }),
  );
  Runtime.install({
    logger: new DefaultLogger('INFO', ({ level, message, meta }) => {
      const fields = redactJson(JSON.parse(JSON.stringify(meta ?? {}, loggable)) as JsonObject, secrets);
      log[level === 'ERROR' ? 'error' : level === 'WARN' ? 'warn' : 'info'](fields, redact(message, secrets));
    }),
    telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'WARN', other: 'WARN' }), forward: {} } },
    // Ours: a second signal while draining must not be lost in the SDK's handler.
    shutdownSignals: [],
  });

  // Until it polls there is nothing to drain.
  let drain: () => void = () => process.exit(0);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => drain());
  // As the supervisor asks: on Windows a signal would end the process at once.
  process.on('message', (message) => {
    if ((message as { kind?: unknown }).kind === 'stop') drain();
  });
  // Its supervisor is gone. Nobody else would end it; one that was started without a supervisor never hears of this.
  process.on('disconnect', () => drain());
  if (process.connected === false) return;

  const { address, namespace, ui } = values;
  const target: TemporalTarget | undefined = address
    ? { address, namespace, from: 'furrow up', ...(ui && { ui }) }
    : await findTemporalTarget(homeFolder());
  if (!target)
    throw new FurrowError(
      'SERVER_UNREACHABLE',
      'No Temporal server is known: neither TEMPORAL_ADDRESS nor a `furrow up` here',
    );
  const connection = await Connection.connect({ ...connectionOptions(target), connectTimeout: '10 seconds' });
  await checkSearchAttributes(connection, target.namespace);
  await connection.close();

  await sweepScratch();
  await sweepClaims();
  const queues = values.queues.split(',').filter(Boolean);
  const worker = await startWorker({
    target,
    queues,
    baseFolder: values.base,
    code: { catalog: await loadCatalog(), fingerprintOf: currentFingerprintOf },
    parallelTrainings: Math.max(1, Math.trunc(Number(values['parallel-trainings'])) || 1),
  });
  drain = () => worker.shutdown();
  log.info({ queues, address: target.address }, 'worker ready');
  process.send?.({ kind: 'ready' }, () => {});
  restartOnNewBuild(() => worker.shutdown());
  await worker.done;
  log.info('worker drained');
}

/** Milliseconds between two looks at the build. */
const buildLook = 5000;

/** A worker drains when its build is replaced; `furrow up` then starts it again, with the new code. */
function restartOnNewBuild(drain: () => void): void {
  const timer = setInterval(() => {
    if (!buildWasReplaced()) return;
    clearInterval(timer);
    drain();
  }, buildLook);
  timer.unref();
}

function loggable(_: string, value: unknown): unknown {
  if (value instanceof Error) return { name: value.name, message: value.message, stack: value.stack };
  return typeof value === 'bigint' ? String(value) : value;
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    const known =
      error instanceof FurrowError
        ? `${error.code}: ${error.message}\n${error.action}`
        : String((error as Error)?.stack ?? error);
    process.stderr.write(`${redact(known, environmentSecrets())}\n`);
    process.exit(1);
  },
);
