// What `furrow up` left behind: the supervisor may be killed, the machine restarted, and a process number be another's today.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { homeFile, isAlive, readUpState, removeUpState, requestStop, type UpState } from '../lib/home/home.ts';

/** What is up for `home`, checked to be a supervisor of ours and not another process with its number. */
export function runningState(home: string): UpState | undefined {
  const state = readUpState(home);
  return state && isOurs(state.pid, [/worker[\\/]up\.js/]) !== false ? state : undefined;
}

/** Milliseconds that a worker, then the server, are given to end: as long as the supervisor gives them, and a bit. */
const workerLimit = 26_000;
const serverLimit = 11_000;
const supervisorLimit = workerLimit + serverLimit;

/** Milliseconds that the system is given to end what was killed. It takes longer where a disk hangs; waiting on helps nobody. */
const killLimit = 2000;

export type Leftover = 'worker' | 'Temporal';

/**
 * Asks the supervisor to drain and end, and waits until it has. One that does not answer is killed; what it has left running is
 * ended then.
 */
export async function endSupervisor(home: string, pid: number): Promise<Leftover[]> {
  requestStop(home, pid);
  await endWithin(pid, supervisorLimit);
  return endLeftovers(home);
}

/**
 * Ends the worker and the server of a supervisor that is gone, in the supervisor's order, and forgets about it. Only what is
 * verified to be them: by its command line, which names this database, or by its environment, which names this home.
 */
export async function endLeftovers(home: string): Promise<Leftover[]> {
  const state = lastState(home);
  if (!state || runningState(home)) return [];
  const ended: Leftover[] = [];
  const { workerPid, serverPid } = state;
  if (workerPid && isOurs(workerPid, [/worker[\\/]main\.js/], { FURROW_HOME: home })) {
    kill(workerPid, 'SIGTERM');
    await endWithin(workerPid, workerLimit);
    ended.push('worker');
  }
  if (serverPid && isOurs(serverPid, [/\bstart-dev\b/, homeFile(home, 'database')])) {
    kill(serverPid, 'SIGINT');
    await endWithin(serverPid, serverLimit);
    ended.push('Temporal');
  }
  removeUpState(home);
  return ended;
}

/** As it was written, whoever of it is alive. */
function lastState(home: string): UpState | undefined {
  try {
    return JSON.parse(readFileSync(homeFile(home, 'state'), 'utf8'));
  } catch {
    return undefined;
  }
}

/** Whether the process was started like this; undefined where that cannot be known. */
function isOurs(
  pid: number,
  command: readonly (RegExp | string)[],
  environment: Readonly<Record<string, string>> = {},
): boolean | undefined {
  if (!isAlive(pid)) return false;
  const line = commandLine(pid);
  if (line === undefined) return undefined;
  if (!command.every((part) => (typeof part === 'string' ? line.includes(part) : part.test(line)))) return false;
  if (process.platform !== 'linux') return true;
  const has = readProc(pid, 'environ')?.split('\0');
  return Object.entries(environment).every(([name, value]) => has?.includes(`${name}=${value}`));
}

function commandLine(pid: number): string | undefined {
  if (process.platform === 'linux') return readProc(pid, 'cmdline')?.replaceAll('\0', ' ');
  if (process.platform === 'win32') return undefined;
  try {
    return execFileSync('ps', ['-ww', '-o', 'args=', '-p', String(pid)], { encoding: 'utf8' });
  } catch {
    return undefined;
  }
}

function readProc(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return undefined;
  }
}

/** Waits for one that was asked to end; it is killed when it has not after `limit` milliseconds. */
async function endWithin(pid: number, limit: number): Promise<void> {
  if (await isGoneWithin(pid, limit)) return;
  kill(pid, 'SIGKILL');
  await isGoneWithin(pid, killLimit);
}

async function isGoneWithin(pid: number, limit: number): Promise<boolean> {
  for (const deadline = performance.now() + limit; isAlive(pid); await sleep(50))
    if (performance.now() > deadline) return false;
  return true;
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // It has ended meanwhile.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
