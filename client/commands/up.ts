import { fork } from 'node:child_process';
import { mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { FurrowError } from '../../contract/errors.ts';
import { entryPoint } from '../../lib/code/root.ts';
import { homeFile, homeFolder, readUpState, type UpState } from '../../lib/home/home.ts';
import { exitCodes, type Output } from '../output.ts';

/** Milliseconds; on a busy machine the server takes longer than the two seconds it usually does. */
const readyLimit = 90_000;

/** `furrow up [--detach]`: Temporal's dev server with its UI, and a worker. */
export async function up(options: { detach?: boolean }, output: Output): Promise<number> {
  const running = readUpState(homeFolder());
  if (running) {
    tell(running, 'was up already', output);
    return exitCodes.ok;
  }
  const { state, stop, ended } = await bringUp();
  tell(state, 'is up', output);
  if (options.detach) return exitCodes.ok;
  output.say('Ctrl-C ends it; runs go on when it is up again.');
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop());
  await ended;
  return exitCodes.ok;
}

export interface BroughtUp {
  readonly state: UpState;
  /** Asks the supervisor to drain and end. */
  stop(): void;
  readonly ended: Promise<void>;
}

/** Starts the supervisor in the background, and waits until its worker polls. */
export async function bringUp(): Promise<BroughtUp> {
  const home = homeFolder();
  const log = homeFile(home, 'supervisorLog');
  mkdirSync(dirname(log), { recursive: true });
  const file = openSync(log, 'w', 0o600);
  // A session of its own: it outlives this terminal, and Ctrl-C reaches it only through us.
  const child = fork(entryPoint('worker/up.ts'), [], { stdio: ['ignore', file, file, 'ipc'], detached: true });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    const late = setTimeout(
      () => reject(new FurrowError('SERVER_UNREACHABLE', `Not up after ${readyLimit / 1000} s; see ${log}`)),
      readyLimit,
    );
    child.once('message', () => {
      clearTimeout(late);
      resolve();
    });
    child.once('exit', () => {
      clearTimeout(late);
      reject(
        new FurrowError(
          'SERVER_UNREACHABLE',
          readFileSync(log, 'utf8').trim() || 'The supervisor ended without a word',
        ),
      );
    });
  });
  const state = readUpState(home);
  if (!state) throw new FurrowError('SERVER_UNREACHABLE', `The supervisor ended; see ${log}`);
  child.disconnect();
  child.unref();
  return { state, stop: () => process.kill(state.pid, 'SIGTERM'), ended };
}

/** What is up here, or brought up now, saying so. Undefined where Temporal's environment names a server of its own. */
export async function ensureUp(output: Output): Promise<void> {
  if (process.env.TEMPORAL_ADDRESS || process.env.TEMPORAL_PROFILE || readUpState(homeFolder())) return;
  output.say('Nothing is up here: starting Temporal and a worker (`furrow down` ends them)');
  const { state } = await bringUp();
  tell(state, 'is up', output);
}

function tell(state: UpState, what: string, output: Output): void {
  output.answer(state, () => [`furrow ${what}: Temporal at ${state.address}, its UI at ${state.ui}`]);
}
