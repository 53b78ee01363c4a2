import { type ChildProcess, fork } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { FurrowError } from '../contract/errors.ts';
import { entryPoint } from '../lib/code/root.ts';
import { homeFile, homeFolder, isStopRequested, readUpState } from '../lib/home/home.ts';
import { lastErrorLine, logLength } from '../lib/home/lastError.ts';
import { withLock } from '../setup/lock.mjs';
import { type EmbeddedServer, startEmbeddedServer } from './embeddedServer.ts';
import { restartWaits } from './restartWait.ts';
import { registerSearchAttributes } from './searchAttributes.ts';
import { keepUpState, type StateChange, type UpStateFile } from './upStateFile.ts';

/** A worker that was never ready and has ended this often will not be: its machine or its set-up is wrong. */
const mostFalseStarts = 3;

/** Milliseconds that a drained worker, then the server, are given before they are killed. */
const workerLimit = 25_000;
const serverLimit = 10_000;

/** Milliseconds between two looks for a wish to stop. */
const stopLook = 250;

const home = homeFolder();
/** From when this one has the home to itself. */
let state: UpStateFile | undefined;
let ready = false;
let stopping = false;
let embedded: EmbeddedServer | undefined;
let server: ChildProcess | undefined;
let worker: ChildProcess | undefined;
let workerIsReady = false;

/** The supervisor behind `furrow up`: owns the embedded server and one worker for all queues, and restarts both. */
async function main(): Promise<void> {
  // Its log may be on a disk that is full.
  process.stderr.on('error', () => {});
  // At the last: nobody else would end the two.
  process.on('uncaughtException', fail);
  await claim();
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => void stop(0));
  setInterval(() => isStopRequested(home, process.pid) && void stop(0), stopLook);

  const started = await startServer();
  if (stopping) return;
  await Promise.all([keepServer(started), keepWorker()]);
}

interface Started {
  readonly exited: Promise<unknown>;
}

/** Starts Temporal, on the ports that it had before. */
async function startServer(): Promise<Started> {
  let exited: Promise<unknown> | undefined;
  const started = await startEmbeddedServer(home, {
    ...(embedded && { port: portOf(embedded.address), uiPort: portOf(embedded.ui) }),
    onSpawn(spawned) {
      server = spawned;
      exited = new Promise((resolve) => spawned.once('exit', resolve));
      update({ serverPid: spawned.pid ?? 0 });
    },
  });
  if (!exited) throw new TypeError('Expected to be told of the server before it answers');
  const { address, namespace, ui } = started;
  const connection = await Connection.connect({ address });
  try {
    await registerSearchAttributes(connection, namespace);
  } finally {
    await connection.close();
  }
  const moved = embedded !== undefined && embedded.address !== address;
  embedded = started;
  update({ address, namespace, ui });
  // Somebody else has taken the port meanwhile: a worker keeps to the address that it was started with.
  if (moved) worker?.kill('SIGTERM');
  return { exited };
}

/** Sees to it that Temporal is there again when it ends by itself: it was up, so its set-up is right, and it can be again. */
async function keepServer({ exited }: Started): Promise<void> {
  const log = homeFile(home, 'serverLog');
  const waitFor = restartWaits();
  let startedAt = performance.now();
  let running: Promise<unknown> = exited;
  for (;;) {
    let what = 'Temporal ended by itself';
    let lived = 0;
    try {
      await running;
      lived = performance.now() - startedAt;
    } catch (error) {
      what = `Temporal could not be started again (${textOf(error)})`;
    }
    if (stopping) return;
    const wait = waitFor(lived);
    say(`${what} and is started again in ${wait / 1000} s; see ${log}`);
    // One that answers but could not be set up: two on one database would damage it.
    if (server) await end(server, interruptServer, serverLimit);
    await sleep(wait);
    if (stopping) return;
    startedAt = performance.now();
    running = startServer().then((again) => {
      say('Temporal is up again');
      return again.exited;
    });
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
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
      const startedAt = new Date().toISOString();
      state = keepUpState(home, { pid: process.pid, startedAt, phase: 'starting' }, say);
    },
    { pollMs: 20 },
  );
}

function update(change: StateChange): void {
  state?.update(change);
}

/** One worker, and another whenever it has ended: by itself, as it was killed, or as its build was replaced. */
async function keepWorker(): Promise<void> {
  const log = homeFile(home, 'workerLog');
  const logFrom = logLength(log);
  const waitFor = restartWaits();
  for (let falseStarts = 1; !stopping; falseStarts++) {
    const startedAt = performance.now();
    await runWorker().catch((error) => say(`The worker could not be started: ${textOf(error)}`));
    if (stopping) return;
    if (!ready && falseStarts === mostFalseStarts) {
      const why = lastErrorLine(log, logFrom);
      throw new FurrowError(
        'SETUP_INCOMPLETE',
        `The worker ended ${falseStarts} times before it was ready${why ? `, at last with: ${why}` : ''}; see ${log}`,
      );
    }
    await sleep(waitFor(performance.now() - startedAt));
  }
}

/** Until it ends. */
async function runWorker(): Promise<void> {
  workerIsReady = false;
  const started = forkWorker();
  worker = started;
  const ended = new Promise<void>((resolve) => {
    started.once('exit', () => resolve());
    // Where it cannot be started at all, no exit follows.
    started.on('error', () => started.pid === undefined && resolve());
  });
  update({ workerPid: started.pid ?? 0 });
  started.once('message', () => {
    workerIsReady = true;
    ready = true;
    update({ phase: 'ready' });
    void tell({ kind: 'ready' });
  });
  await ended;
}

function forkWorker(): ChildProcess {
  if (!embedded) throw new TypeError('Expected Temporal to be up before its worker');
  const file = homeFile(home, 'workerLog');
  mkdirSync(dirname(file), { recursive: true });
  const log = openSync(file, 'a', 0o600);
  const { address, namespace, ui } = embedded;
  const args = ['--base', process.cwd(), '--address', address, '--namespace', namespace, '--ui', ui];
  try {
    return fork(entryPoint('worker/main.ts'), args, {
      stdio: ['ignore', log, log, 'ipc'],
      env: { ...withoutTemporal(process.env), FURROW_HOME: home },
      // As for the server: the supervisor decides when it ends.
      detached: true,
    });
  } finally {
    closeSync(log);
  }
}

/** A team's address, key or profile is for another server: one for this would find TLS where there is none. */
function withoutTemporal(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('TEMPORAL_')));
}

/** The worker drains, then the server ends. */
async function stop(code: number): Promise<void> {
  if (stopping) return;
  stopping = true;
  try {
    if (worker) await end(worker, askWorker, workerLimit);
    if (server) await end(server, interruptServer, serverLimit);
    state?.remove();
  } finally {
    process.exit(code);
  }
}

/** Windows knows no SIGINT: there Node ends the process, which a database with a write-ahead log stands. */
function interruptServer(): void {
  server?.kill('SIGINT');
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
  say(`${known.code}: ${known.message}\n${known.action}`);
  if (error instanceof Error && error !== known) say(String(error.stack));
  await tell({ kind: 'failed', code: known.code, message: known.message });
  if (!state) process.exit(1);
  await stop(1);
}

/** On a disk that is full, to nobody. */
function say(line: string): void {
  try {
    process.stderr.write(`${line}\n`);
  } catch {
    // What is up matters more than what is said of it.
  }
}

/** Whoever asked for it may have left: with `--detach`, on Ctrl-C, and always when a worker is started again. */
async function tell(message: { kind: 'ready' } | { kind: 'failed'; code: string; message: string }): Promise<void> {
  await new Promise((resolve) => (process.connected ? process.send?.(message, resolve) : resolve(null)));
}

main().catch(fail);
