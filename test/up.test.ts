import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { homeFile, isAlive, readUpState, requestStop } from '../lib/home/home.ts';
import { type Project, project } from './harness/command.ts';
import { type Installed, installProject } from './harness/installed.ts';
import { needsSignals } from './harness/signals.ts';
import { until } from './harness/until.ts';

let installed: Installed;
let product: string;
let here: Project;
let home: string;

beforeEach(() => {
  installed = installProject();
  ({ product, here, home } = installed);
});
afterEach(() => installed.close());

describe('furrow up, while it starts, ends what it has started', () => {
  beforeEach((context) => {
    if (context.task.name.startsWith('at SIG')) needsSignals(context);
  });

  it.each([
    ['SIGINT', 'there is no supervisor yet', () => existsSync(homeFile(home, 'bringUpLock'))],
    ['SIGINT', 'there is a supervisor', () => readUpState(home)],
    ['SIGTERM', 'its server does not answer yet', () => readUpState(home)?.serverPid],
    ['SIGHUP', 'its worker does not poll yet', () => readUpState(home)?.workerPid],
  ] as const)('at %s, when %s', async (signal, what, reached) => {
    const up = here.start('up');
    await until(what, () => Boolean(reached()));
    up.process.kill(signal);
    expect(await up.ended).toMatchObject({ code: 130, stderr: expect.stringContaining('INTERRUPTED') });
    expect(await here.json('down')).toEqual({ stopped: false });
    expect(installed.processes()).toEqual([]);
  });

  it('when its worker cannot start, and says why', async () => {
    const crash = 'process.stderr.write("BACKEND_MISSING: planted\\nDo something.\\n"); process.exit(1);\n';
    writeFileSync(join(product, 'dist/worker/main.js'), crash);
    expect(await here.furrow('up', '--detach')).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/^SETUP_INCOMPLETE: .*BACKEND_MISSING: planted/),
    });
    expect(await here.json('down')).toEqual({ stopped: false });
    expect(installed.processes()).toEqual([]);
  });
});

describe('furrow demo', () => {
  it('ends what it has started at SIGTERM, as at Ctrl-C, while its run goes on', async (context) => {
    needsSignals(context);
    const demo = here.start('demo');
    await demo.said('Run nitrogen-');
    demo.process.kill('SIGTERM');
    expect(await demo.ended).toMatchObject({ code: 130, stdout: expect.stringContaining('the run goes on from here') });
    expect(installed.processes()).toEqual([]);
  });
});

describe('a supervisor', () => {
  it('drains and ends when its home folder says so, for which no signal is needed', async () => {
    // Of one that was killed as it took the lock.
    const lock = homeFile(home, 'bringUpLock');
    mkdirSync(dirname(lock), { recursive: true });
    writeFileSync(lock, '');
    const longAgo = new Date(Date.now() - 200_000);
    utimesSync(lock, longAgo, longAgo);

    const { pid } = await here.json<{ pid: number }>('up', '--detach');
    requestStop(home, pid + 1);
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(readUpState(home)).toMatchObject({ phase: 'ready' });
    requestStop(home, pid);
    await until('it has ended', () => !isAlive(pid));
    expect(installed.processes()).toEqual([]);
    expect(existsSync(homeFile(home, 'stop'))).toBe(false);
    expect(readFileSync(homeFile(home, 'workerLog'), 'utf8').trimEnd()).toMatch(/worker drained"\}$/);
  });

  it('starts its server and its worker again when they are killed, both at once, and a run goes on', async (context) => {
    needsSignals(context);
    const chain = (seconds: number) => `{ uses: pass, with: { label: '${seconds}', seconds: ${seconds} } }`;
    here.write(
      'long.yaml',
      `name: long\nstages:\n  first: ${chain(0)}\n  second: ${chain(4).replace('{ ', '{ needs: [first], ')}\n`,
    );
    const before = await here.json<{ address: string; ui: string }>('up', '--detach');
    const run = here.start('run', 'long.yaml', '--id', 'long-1', '--detach');
    await run.ended;
    await until('it runs', async () => (await here.furrow('show', 'long-1')).stdout.includes('▶ second'));
    const { serverPid, workerPid } = here.upState();
    for (const pid of [serverPid, workerPid]) process.kill(pid as number, 'SIGKILL');
    await until('both are there again', () => {
      const now = here.upState();
      return now.serverPid !== serverPid && now.workerPid !== workerPid;
    });
    expect(here.upState()).toMatchObject({ address: before.address, ui: before.ui });
    const watched = await until('Temporal answers', async () => {
      const { stdout, code } = await here.furrow('watch', 'long-1');
      return code === 0 && stdout;
    });
    expect(watched).toContain('✔ second');
  });

  it('that finds another one starting here leaves the database to that', async () => {
    const start = () =>
      fork(join(product, 'dist/worker/up.js'), [], {
        cwd: here.folder,
        env: { ...process.env, FURROW_HOME: home },
        stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
        execArgv: [],
      });
    const both = [start(), start()];
    const ends = both.map((each) => once(each, 'exit') as Promise<[number]>);
    expect(await Promise.race(ends)).toEqual([1, null]);
    const state = await until('the other is up', () => {
      const seen = readUpState(home);
      return seen?.phase === 'ready' && seen;
    });
    expect(both.filter(({ exitCode }) => exitCode === null).map(({ pid }) => pid)).toEqual([state.pid]);
    expect(await here.json('down')).toEqual({ stopped: true });
    await Promise.all(ends);
    expect(installed.processes()).toEqual([]);
  });
});

it("furrow up is about its own Temporal where the CLI's profile names a cluster, and takes no key of it", async () => {
  const profile = join(installed.folder, 'temporal.toml');
  writeFileSync(profile, '[profile.default]\naddress = "cluster.invalid:7233"\napi_key = "sk-planted"\n');
  const team = project(product, { TEMPORAL_CONFIG_FILE: profile });
  try {
    expect(await team.furrow('up', '--detach')).toMatchObject({ code: 0 });
    writeFileSync(join(team.folder, 'one.yaml'), 'name: one\nstages: { only: { uses: pass } }\n');
    expect(await team.json('run', 'one.yaml')).toMatchObject({ status: 'finished' });
    for (const log of ['workerLog', 'supervisorLog', 'state'] as const) {
      expect(readFileSync(homeFile(join(team.folder, '.furrow'), log), 'utf8')).not.toContain('sk-planted');
    }
  } finally {
    await team.close();
  }
});
