import { type ChildProcess, fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { mainQueue, trainQueue } from '../../contract/queues.ts';
import { productRoot } from '../../lib/code/root.ts';
import type { TestFurrow } from './furrow.ts';

/** The built product in a folder of its own: a build beside a running test would drain its workers. */
export function installProduct(folder: string): string {
  const root = join(folder, 'product');
  mkdirSync(join(root, 'contract'), { recursive: true });
  cpSync(join(productRoot, 'package.json'), join(root, 'package.json'));
  cpSync(join(productRoot, 'dist'), join(root, 'dist'), { recursive: true });
  symlinkSync(join(productRoot, 'node_modules'), join(root, 'node_modules'), 'junction');
  return root;
}

export interface WorkerProcess {
  readonly process: ChildProcess;
  readonly pid: number;
  /** What it has logged so far. */
  log(): string;
  /** The processes that it has started and that live; of one program, if it is named. */
  children(program?: string): number[];
  /** As an operator's `kill -9`: nothing is said to anybody. */
  kill(): Promise<void>;
  /** As an orchestrator does; gives the exit code. */
  terminate(): Promise<number | null>;
}

export interface WorkerSettings {
  /** Where it works, with a home and temporary files of its own: a machine that has nothing in common with the others. */
  readonly machine?: string;
  readonly queues?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** More of the program's own: `['--parallel-trainings', '2']`. */
  readonly args?: readonly string[];
}

/** Starts the worker program as a user's machine runs it, and waits until it polls. */
export async function spawnWorker(
  furrow: TestFurrow,
  product: string,
  { machine, queues = [mainQueue, trainQueue], env = {}, args = [] }: WorkerSettings = {},
): Promise<WorkerProcess> {
  const folder = machine ?? furrow.folder;
  const own = machine === undefined ? { FURROW_HOME: furrow.home } : homeOf(machine);
  const worker = fork(join(product, 'dist/worker/main.js'), ['--base', folder, '--queues', queues.join(','), ...args], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    execArgv: [],
    env: { ...process.env, TEMPORAL_ADDRESS: furrow.target.address, ...own, ...env },
  });
  let log = '';
  for (const stream of [worker.stdout, worker.stderr])
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      log += chunk;
    });
  const exited = once(worker, 'exit') as Promise<[number | null]>;
  await Promise.race([
    once(worker, 'message'),
    exited.then(() => Promise.reject(new Error(`The worker ended before it was ready:\n${log}`))),
  ]);
  const pid = worker.pid as number;
  const end = async (signal: NodeJS.Signals) => {
    if (worker.exitCode === null && worker.signalCode === null) worker.kill(signal);
    return (await exited)[0];
  };
  return {
    process: worker,
    pid,
    log: () => log,
    children: (program) => childrenOf(pid, program),
    kill: async () => void (await end('SIGKILL')),
    terminate: () => end('SIGTERM'),
  };
}

function homeOf(machine: string): Readonly<Record<string, string>> {
  const temporary = join(machine, 'tmp');
  mkdirSync(temporary, { recursive: true });
  return { FURROW_HOME: join(machine, '.furrow'), TMPDIR: temporary };
}

/** The live children of a process. */
function childrenOf(pid: number, program = ''): number[] {
  const { stdout } = spawnSync('ps', ['-A', '-ww', '-o', 'pid=,ppid=,stat=,args='], { encoding: 'utf8' });
  return stdout
    .split('\n')
    .filter((line) => line.includes(program))
    .map((line) => line.trim().split(/\s+/))
    .filter(([child, parent, state]) => Number(parent) === pid && child !== undefined && !state?.startsWith('Z'))
    .map(([child]) => Number(child));
}

/** True while the process is there and no zombie. */
export function runs(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' });
  const state = stdout.trim();
  return state !== '' && !state.startsWith('Z');
}
