import { type ChildProcess, fork } from 'node:child_process';
import { mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { Connection } from '@temporalio/client';
import { FurrowError } from '../contract/errors.ts';
import { entryPoint } from '../lib/code/root.ts';
import { homeFile, homeFolder, readUpState, removeUpState, type UpState, writeUpState } from '../lib/home/home.ts';
import { startEmbeddedServer } from './embeddedServer.ts';
import { registerSearchAttributes } from './searchAttributes.ts';

/** Milliseconds before a worker that ended by itself is started again; it doubles up to the longest while it keeps ending. */
const firstRestart = 500;
const longestRestart = 15_000;

/** Milliseconds that a drained worker, then the server, are given before they are killed. */
const workerLimit = 25_000;
const serverLimit = 10_000;

/** The supervisor behind `furrow up`: owns the embedded server and one worker for all queues, and restarts the worker. */
async function main(): Promise<void> {
  const home = homeFolder();
  const running = readUpState(home);
  if (running) throw new FurrowError('SERVER_UNREACHABLE', `furrow is up already here (pid ${running.pid})`);
  const server = await startEmbeddedServer(home);
  let state: UpState = {
    pid: process.pid,
    phase: 'starting',
    address: server.address,
    namespace: server.namespace,
    ui: server.ui,
    serverPid: server.process.pid ?? 0,
    startedAt: new Date().toISOString(),
  };
  const update = (change: Partial<UpState>) => {
    state = { ...state, ...change };
    writeUpState(home, state);
  };
  update({});
  const connection = await Connection.connect({ address: server.address });
  await registerSearchAttributes(connection, server.namespace);
  await connection.close();

  let stopping = false;
  let worker: ChildProcess | undefined;
  let wait = firstRestart;
  const startWorker = () => {
    const startedAt = Date.now();
    worker = forkWorker(home);
    update({ workerPid: worker.pid ?? 0 });
    worker.once('message', () => {
      update({ phase: 'ready' });
      // Whoever asked for it may have left: with `--detach`, on Ctrl-C, and always when a worker is started again.
      if (process.connected) process.send?.({ kind: 'ready' }, () => {});
    });
    worker.once('exit', () => {
      if (stopping) return;
      wait = Date.now() - startedAt > 60_000 ? firstRestart : Math.min(wait * 2, longestRestart);
      setTimeout(() => !stopping && startWorker(), wait);
    });
  };
  startWorker();

  const stop = async (code: number) => {
    if (stopping) return;
    stopping = true;
    if (worker) await end(worker, 'SIGTERM', workerLimit);
    await end(server.process, 'SIGINT', serverLimit);
    removeUpState(home);
    process.exit(code);
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => void stop(0));
  server.process.once('exit', () => {
    if (!stopping) process.stderr.write(`Temporal ended by itself; see ${homeFile(home, 'serverLog')}\n`);
    void stop(1);
  });
}

function forkWorker(home: string): ChildProcess {
  const file = homeFile(home, 'workerLog');
  mkdirSync(dirname(file), { recursive: true });
  const log = openSync(file, 'a', 0o600);
  return fork(entryPoint('worker/main.ts'), ['--base', process.cwd()], {
    stdio: ['ignore', log, log, 'ipc'],
    env: { ...withoutTemporal(process.env), FURROW_HOME: home },
    // As for the server: the supervisor decides when it ends.
    detached: true,
  });
}

/** The worker finds this server in its home. A team's address, key or profile in the environment is for another one. */
function withoutTemporal(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('TEMPORAL_')));
}

async function end(child: ChildProcess, signal: NodeJS.Signals, limit: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  const late = setTimeout(() => child.kill('SIGKILL'), limit);
  await exited;
  clearTimeout(late);
}

main().catch((error: unknown) => {
  process.stderr.write(
    `${error instanceof FurrowError ? `${error.code}: ${error.message}\n${error.action}` : String(error)}\n`,
  );
  process.exit(1);
});
