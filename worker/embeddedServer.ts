import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { Connection } from '@temporalio/client';
import { FurrowError } from '../contract/errors.ts';
import { searchAttributes } from '../contract/messages.ts';
import { homeFile } from '../lib/home/home.ts';
import { findTemporal } from '../setup/locate.mjs';
import { freePort } from './ports.ts';

export interface EmbeddedServer {
  readonly address: string;
  readonly namespace: string;
  readonly ui: string;
  readonly process: ChildProcess;
}

/** Where the `temporal` CLI and everybody's bookmarks look first. */
const usualPort = 7233;
const usualUiPort = 8233;

/** Milliseconds; a cold start with an empty database takes about two seconds. */
const startLimit = 60_000;

/**
 * Starts Temporal's own dev server with its web UI, on loopback only, its database kept in `home`.
 *
 * The settings are for a quick answer on one machine: history events otherwise advance on 50 ms ticks, as its history service
 * reads a shard's transfer queue at most 20 times a second, and each commit otherwise waits for the disk twice.
 */
export async function startEmbeddedServer(home: string, wanted: Wanted = {}): Promise<EmbeddedServer> {
  for (let tries = 1; ; tries++) {
    try {
      return await tryToStart(home, tries === 1 ? wanted : { ...wanted, port: 0, uiPort: 0 });
    } catch (error) {
      // Another server may have taken a port between our look and our start.
      if (!(error instanceof EndedEarly) || tries === mostTries) throw error;
    }
  }
}

const mostTries = 3;

interface Wanted {
  /** Taken when it is free; 0 for any. */
  readonly port?: number;
  readonly uiPort?: number;
  /** Told before it answers: whoever ends must know what to end. */
  onSpawn?(server: ChildProcess): void;
}

class EndedEarly extends FurrowError {}

async function tryToStart(home: string, wanted: Wanted): Promise<EmbeddedServer> {
  const cli = findTemporal();
  if (!cli) throw new FurrowError('SETUP_INCOMPLETE', 'The Temporal CLI is not installed');
  const database = homeFile(home, 'database');
  mkdirSync(dirname(homeFile(home, 'serverLog')), { recursive: true });
  const port = await freePort([wanted.port ?? usualPort]);
  const uiPort = await freePort([wanted.uiPort ?? usualUiPort]);
  const args = [
    ...['server', 'start-dev', '--ip', '127.0.0.1', '--ui-ip', '127.0.0.1'],
    ...['--port', String(port), '--ui-port', String(uiPort)],
    ...['--db-filename', database],
    ...['--dynamic-config-value', 'history.transferProcessorMaxPollRPS=2000'],
    ...['--dynamic-config-value', 'frontend.enableUpdateWorkflowExecution=true'],
    ...['--sqlite-pragma', 'journal_mode=wal', '--sqlite-pragma', 'synchronous=normal'],
    ...Object.entries(searchAttributes).flatMap(([name, type]) => ['--search-attribute', `${name}=${cliType(type)}`]),
    ...['--log-format', 'json', '--log-level', 'warn'],
  ];
  const server = spawnServer(cli.path, args, homeFile(home, 'serverLog'));
  wanted.onSpawn?.(server);
  const address = `127.0.0.1:${port}`;
  const failed = new Promise<never>((_, reject) => {
    server.on('error', (cause) =>
      reject(new FurrowError('SERVER_UNREACHABLE', `Temporal could not be started: ${cause.message}`, { cause })),
    );
    server.once('exit', (code) =>
      reject(new EndedEarly('SERVER_UNREACHABLE', `Temporal ended with ${code}; see ${homeFile(home, 'serverLog')}`)),
    );
  });
  failed.catch(() => {});
  try {
    await Promise.race([failed, ready(address)]);
  } catch (error) {
    server.kill('SIGKILL');
    throw error;
  }
  return { address, namespace: 'default', ui: `http://127.0.0.1:${uiPort}`, process: server };
}

function spawnServer(program: string, args: readonly string[], logFile: string): ChildProcess {
  const log = openSync(logFile, 'a', 0o600);
  try {
    // A process group of its own: Ctrl-C in the terminal goes to the supervisor, which ends the server last.
    return spawn(program, args, { stdio: ['ignore', log, log], detached: true });
  } finally {
    closeSync(log);
  }
}

/** Days that closed runs can be seen in the UI. A dev server forgets them after one when not told otherwise. */
const retentionDays = 90;

/** Waits for the server, and lets its namespace keep closed runs. */
async function ready(address: string): Promise<void> {
  const deadline = Date.now() + startLimit;
  for (;;) {
    let connection: Connection | undefined;
    try {
      connection = await Connection.connect({ address, connectTimeout: 1000 });
      await connection.workflowService.updateNamespace({
        namespace: 'default',
        config: { workflowExecutionRetentionTtl: { seconds: (retentionDays * 86_400) as never } },
      });
      return;
    } catch (cause) {
      if (Date.now() > deadline) {
        throw new FurrowError(
          'SERVER_UNREACHABLE',
          `Temporal does not answer at ${address} after ${startLimit / 1000} s`,
          { cause },
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    } finally {
      await connection?.close();
    }
  }
}

function cliType(type: 'KEYWORD' | 'DOUBLE'): string {
  return type === 'KEYWORD' ? 'Keyword' : 'Double';
}
