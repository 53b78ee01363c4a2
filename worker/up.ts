import { type ChildProcess, fork } from 'node:child_process';
import { mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { Connection } from '@temporalio/client';
import { FurrowError } from '../contract/errors.ts';
import { entryPoint } from '../lib/code/root.ts';
import {
  homeFile,
  homeFolder,
  isStopRequested,
  type ReadyState,
  readUpState,
  removeUpState,
  writeUpState,
} from '../lib/home/home.ts';
import { lastErrorLine, logLength } from '../lib/home/lastError.ts';
import { withLock } from '../setup/lock.mjs';
import { type EmbeddedServer, startEmbeddedServer } from './embeddedServer.ts';
import { registerSearchAttributes } from './searchAttributes.ts';

/** Milliseconds before what ended by itself is started again; it doubles up to the longest while it keeps ending. */
const firstRestart = 500;
const longestRestart = 15_000;
/** Milliseconds that it has to live to count as having been up. */
const shortLife = 60_000;

/** A worker that was never ready and has ended this often will not be: its machine or its set-up is wrong. */
const mostFalseStarts = 3;

/** Milliseconds that a drained worker, then the server, are given before they are killed. */
const workerLimit = 25_000;
const serverLimit = 10_000;

/** Milliseconds between two looks for a wish to stop. */
const stopLook = 250;

type Running = Partial<Omit<ReadyState, 'phase'>>;

const home = homeFolder();
let claimed = false;
let ready = false;
let stopping = false;
let running: Running = {};
let embedded: EmbeddedServer | undefined;
let server: ChildProcess | undefined;
let worker: ChildProcess | undefined;
let workerIsReady = false;
let serverRestart = firstRestart / 2;

/** The supervisor behind `furrow up`: owns the embedded server and one worker for all queues, and restarts both. */
async function main(): Promise<void> {
  await claim();
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => void stop(0));
  setInterval(() => isStopRequested(home, process.pid) && void stop(0), stopLook);

  await startServer();
  if (!stopping) superviseWorker();
}

/** Starts Temporal, on the ports that it had before, and sees to it that it is there again when it ends by itself. */
async function startServer(): Promise<void> {
  const startedAt = Date.now();
  const started = await startEmbeddedServer(home, {
    ...(embedded && { port: portOf(embedded.address), uiPort: portOf(embedded.ui) }),
    onSpawn(spawned) {
      server = spawned;
      update({ serverPid: spawned.pid ?? 0 });
    },
  });
  const { address, namespace, ui } = started;
  const moved = embedded !== undefined && embedded.address !== address;
  embedded = started;
  update({ address, namespace, ui });
  const connection = await Connection.connect({ address });
  await registerSearchAttributes(connection, namespace);
  await connection.close();
  // Somebody else has taken the port meanwhile: a worker keeps to the address that it was started with.
  if (moved) worker?.kill('SIGTERM');
  started.process.once('exit', () => {
    if (stopping) return;
    serverRestart = Date.now() - startedAt > shortLife ? firstRestart : Math.min(serverRestart * 2, longestRestart);
    const log = homeFile(home, 'serverLog');
    process.stderr.write(`Temporal ended by itself and is started again; see ${log}\n`);
    setTimeout(() => !stopping && startServer().catch(fail), serverRestart);
  });
}

function portOf(address: string): number {
  return Number(address.split(':').pop());
}

/** Says that this one is starting before anything is: of two that start at once, the second finds the first. */
async function claim(): Promise<void> {
  await withLock(
    homeFile(home, 'supervisorLock'),
    async () => {
      const other = readUpState(home);
      if (other) throw new FurrowError('SERVER_UNREACHABLE', `furrow is up already here (pid ${other.pid})`);
      update({ pid: process.pid, startedAt: new Date().toISOString() });
      claimed = true;
    },
    { pollMs: 20 },
  );
}

function update(change: Running): void {
  running = { ...running, ...change };
  writeUpState(home, { ...(running as ReadyState), phase: ready ? 'ready' : 'starting' } as ReadyState);
}

function superviseWorker(): void {
  const log = homeFile(home, 'workerLog');
  const logFrom = logLength(log);
  let wait = firstRestart;
  let falseStarts = 0;
  const startWorker = () => {
    const startedAt = Date.now();
    workerIsReady = false;
    worker = forkWorker();
    update({ workerPid: worker.pid ?? 0 });
    worker.once('message', () => {
      workerIsReady = true;
      ready = true;
      update({});
      void tell({ kind: 'ready' });
    });
    const onEnd = () => {
      if (stopping) return;
      falseStarts++;
      if (!ready && falseStarts === mostFalseStarts) {
        const why = lastErrorLine(log, logFrom);
        return void fail(
          new FurrowError(
            'SETUP_INCOMPLETE',
            `The worker ended ${falseStarts} times before it was ready${why ? `, at last with: ${why}` : ''}; see ${log}`,
          ),
        );
      }
      wait = Date.now() - startedAt > shortLife ? firstRestart : Math.min(wait * 2, longestRestart);
      setTimeout(() => !stopping && startWorker(), wait);
    };
    worker.once('exit', onEnd);
    // Where it cannot be started at all, no exit follows.
    worker.on('error', worker.pid === undefined ? onEnd : () => {});
  };
  startWorker();
}

function forkWorker(): ChildProcess {
  if (!embedded) throw new TypeError('Expected Temporal to be up before its worker');
  const file = homeFile(home, 'workerLog');
  mkdirSync(dirname(file), { recursive: true });
  const log = openSync(file, 'a', 0o600);
  const { address, namespace, ui } = embedded;
  const args = ['--base', process.cwd(), '--address', address, '--namespace', namespace, '--ui', ui];
  return fork(entryPoint('worker/main.ts'), args, {
    stdio: ['ignore', log, log, 'ipc'],
    env: { ...withoutTemporal(process.env), FURROW_HOME: home },
    // As for the server: the supervisor decides when it ends.
    detached: true,
  });
}

/** A team's address, key or profile is for another server: one for this would find TLS where there is none. */
function withoutTemporal(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('TEMPORAL_')));
}

/** The worker drains, then the server ends. */
async function stop(code: number): Promise<void> {
  if (stopping) return;
  stopping = true;
  if (worker) await end(worker, askWorker, workerLimit);
  // Windows knows no SIGINT: there Node ends the process, which a database with a write-ahead log stands.
  if (server) await end(server, () => server?.kill('SIGINT'), serverLimit);
  removeUpState(home);
  process.exit(code);
}

/** One that is starting has nothing to drain, and may not listen yet. */
function askWorker(): void {
  if (workerIsReady && worker?.connected) worker.send({ kind: 'stop' }, () => {});
  else worker?.kill('SIGTERM');
}

async function end(child: ChildProcess, ask: () => void, limit: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  ask();
  const late = setTimeout(() => child.kill('SIGKILL'), limit);
  await exited;
  clearTimeout(late);
}

async function fail(error: unknown): Promise<void> {
  // What a start is in the middle of fails when it is stopped.
  if (stopping) return;
  const known = error instanceof FurrowError ? error : new FurrowError('INTERNAL', String(error));
  process.stderr.write(`${known.code}: ${known.message}\n${known.action}\n`);
  await tell({ kind: 'failed', code: known.code, message: known.message });
  if (!claimed) process.exit(1);
  await stop(1);
}

/** Whoever asked for it may have left: with `--detach`, on Ctrl-C, and always when a worker is started again. */
async function tell(message: { kind: 'ready' } | { kind: 'failed'; code: string; message: string }): Promise<void> {
  await new Promise((resolve) => (process.connected ? process.send?.(message, resolve) : resolve(null)));
}

main().catch(fail);
