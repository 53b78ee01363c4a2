// What supervises is broken here: its restarts, its disk, itself.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { homeFile, isAlive, type ReadyState, readUpState } from '../lib/home/home.ts';
import { findTemporal } from '../setup/locate.mjs';
import type { Project } from './harness/command.ts';
import { type Installed, installProject } from './harness/installed.ts';
import { needsSignals } from './harness/signals.ts';
import { until } from './harness/until.ts';

let installed: Installed;
let here: Project;
let home: string;

/** While it is there, Temporal ends as it is started. */
let brokenServer: string;
/** While it is there, Temporal is killed once, when it answers and the supervisor has set it up. */
let killWhenSetUp: string;

beforeEach((context) => {
  needsSignals(context);
  installed = installProject((folder) => ({
    PATH: `${join(folder, 'temporal')}:${process.env.PATH}`,
    // Remembers the versions of what is on PATH.
    FURROW_CACHE: join(folder, 'cache'),
    NODE_OPTIONS: `--import=${pathToFileURL(join(folder, 'product/faults.mjs'))}`,
  }));
  ({ here, home } = installed);
  brokenServer = join(installed.folder, 'brokenServer');
  killWhenSetUp = join(installed.folder, 'killWhenSetUp');
  mkdirSync(join(installed.folder, 'temporal'));
  writeFileSync(join(installed.folder, 'temporal/temporal'), temporalScript(), { mode: 0o755 });
  writeFileSync(join(installed.product, 'faults.mjs'), supervisorFaults());
  here.write('one.yaml', 'name: one\nstages: { only: { uses: pass } }\n');
});
afterEach(() => installed?.close());

describe('furrow up, when Temporal ends', () => {
  it('and cannot be started again, tries on until it can, and leaves the worker alone', async () => {
    const before = await here.json<ReadyState>('up', '--detach');
    writeFileSync(brokenServer, '');
    process.kill(before.serverPid as number, 'SIGKILL');
    await until('a start has failed, twice', () => supervisorLog().split('could not be started again').length > 2);
    expect(readUpState(home)).toMatchObject({ phase: 'ready', pid: before.pid, workerPid: before.workerPid });
    rmSync(brokenServer);
    await until('it is up again', () => supervisorLog().includes('Temporal is up again'));
    expect(readUpState(home)).toMatchObject({ address: before.address, ui: before.ui, workerPid: before.workerPid });
    expect(await here.json('run', 'one.yaml')).toMatchObject({ status: 'finished' });
  });

  it('just when it has been set up, starts it again', async () => {
    writeFileSync(killWhenSetUp, '');
    expect(await here.furrow('up', '--detach')).toMatchObject({ code: 0 });
    expect(existsSync(killWhenSetUp)).toBe(false);
    expect(supervisorLog()).toContain('Temporal ended by itself');
    expect(await here.json('run', 'one.yaml')).toMatchObject({ status: 'finished' });
  });
});

describe('a supervisor', () => {
  it('that finds an error in itself takes down in order what it has started', async () => {
    const up = here.start('up');
    await up.said('Ctrl-C ends it');
    process.kill(here.upState().pid, 'SIGUSR2');
    expect(await up.ended).toMatchObject({ code: 3 });
    expect(supervisorLog()).toMatch(/^INTERNAL: Error: planted/m);
    expect(installed.processes()).toEqual([]);
    expect(workerLog()).toMatch(/worker drained"\}$/);
    expect(await here.json('down')).toEqual({ stopped: false });
  });

  it('that was killed leaves a worker that drains by itself', async () => {
    const { pid, workerPid } = await here.json<ReadyState>('up', '--detach');
    process.kill(pid, 'SIGKILL');
    await until('the worker has ended', () => !isAlive(workerPid as number));
    expect(workerLog()).toMatch(/worker drained"\}$/);
    expect(await here.json('down')).toEqual({ stopped: true, leftovers: ['Temporal'] });
    expect(installed.processes()).toEqual([]);
  });

  it('goes on while its disk is full, and says where all is when it is not', async ({ skip }) => {
    skip(!existsSync('/dev/full'), 'Linux alone has a device that is always full');
    const supervisor = forkSupervisor('/dev/full');
    const [told] = await once(supervisor, 'message');
    expect(told).toEqual({ kind: 'ready' });
    const before = here.upState();
    const obstacle = `${homeFile(home, 'state')}.${supervisor.pid}`;
    mkdirSync(obstacle);
    for (const pid of [before.workerPid, before.serverPid]) process.kill(pid as number, 'SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 3000));
    expect(supervisor.exitCode).toBe(null);
    expect(here.upState()).toEqual(before);
    rmdirSync(obstacle);
    await until('the new ones are known', () => {
      const { serverPid, workerPid } = here.upState();
      return serverPid !== before.serverPid && workerPid !== before.workerPid;
    });
    expect(await here.json('run', 'one.yaml')).toMatchObject({ status: 'finished' });
  });
});

describe('furrow up in the foreground', () => {
  it('prints one JSON value, also when its supervisor fails later', async () => {
    const up = here.start('up', '--json');
    await up.said('}');
    const { pid } = here.upState();
    process.kill(pid, 'SIGKILL');
    const { code, stdout, stderr } = await up.ended;
    expect(code).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({ phase: 'ready', pid, already: false });
    expect(stderr).toMatch(/^SERVER_UNREACHABLE: The supervisor ended by itself/);
  });

  it('holds no log open that others write, nor does its supervisor', async ({ skip }) => {
    skip(process.platform !== 'linux', 'Linux alone lists what a process holds open');
    const up = here.start('up');
    await up.said('Ctrl-C ends it');
    const { pid, workerPid } = here.upState();
    expect(openLogs(up.process.pid as number)).toEqual([]);
    process.kill(workerPid as number, 'SIGKILL');
    await until('there is another worker', () => here.upState().workerPid !== workerPid);
    const own = homeFile(home, 'supervisorLog');
    expect(openLogs(pid)).toEqual([own, own]);
  });
});

describe('furrow down', () => {
  it('ends where nobody reaps the supervisor', async ({ skip }) => {
    skip(process.platform !== 'linux', 'Elsewhere a zombie cannot be told from a process');
    const up = here.start('up');
    await up.said('Ctrl-C ends it');
    const { pid } = here.upState();
    up.process.kill('SIGSTOP');
    try {
      const startedAt = performance.now();
      expect(await here.json('down')).toEqual({ stopped: true });
      expect(performance.now() - startedAt).toBeLessThan(15_000);
      expect(readFileSync(`/proc/${pid}/stat`, 'utf8')).toContain(') Z ');
    } finally {
      up.process.kill('SIGCONT');
    }
    expect(await up.ended).toMatchObject({ code: 0 });
  });
});

function supervisorLog(): string {
  return readFileSync(homeFile(home, 'supervisorLog'), 'utf8');
}

function workerLog(): string {
  return readFileSync(homeFile(home, 'workerLog'), 'utf8').trimEnd();
}

function forkSupervisor(log: string): ChildProcess {
  const file = openSync(log, 'w');
  try {
    return fork(join(installed.product, 'dist/worker/up.js'), [], {
      cwd: here.folder,
      env: { ...process.env, FURROW_HOME: home },
      stdio: ['ignore', file, file, 'ipc'],
      execArgv: [],
    });
  } finally {
    closeSync(file);
  }
}

/** The logs of this home that a process holds open (Linux: proc_pid_fd(5)). */
function openLogs(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).flatMap((name) => {
    try {
      const file = readlinkSync(join(folder, name));
      return file.startsWith(join(home, 'logs')) ? [file] : [];
    } catch {
      // Closed meanwhile.
      return [];
    }
  });
}

/** The true one, unless it is broken. */
function temporalScript(): string {
  return `#!/bin/sh
if [ "$1" = server ] && [ -e '${brokenServer}' ]; then exit 7; fi
exec '${findTemporal()?.path}' "$@"
`;
}

/** Loaded into the supervisor, before it. */
function supervisorFaults(): string {
  return `
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

if (/worker[\\\\/]up\\.js$/.test(process.argv[1] ?? '')) {
  process.on('SIGUSR2', () => { throw new Error('planted'); });
  const { Connection } = await import('@temporalio/client');
  const connect = Connection.connect.bind(Connection);
  Connection.connect = async (options) => {
    const connection = await connect(options);
    // With a limit it asks whether the server answers yet.
    if (options.connectTimeout !== undefined || !existsSync('${killWhenSetUp}')) return connection;
    const close = connection.close.bind(connection);
    connection.close = async () => {
      await close();
      rmSync('${killWhenSetUp}');
      process.kill(JSON.parse(readFileSync('${homeFile(home, 'state')}', 'utf8')).serverPid, 'SIGKILL');
      await sleep(500);
    };
    return connection;
  };
}
`;
}
