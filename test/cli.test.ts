import { copyFileSync, cpSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { examples } from '../client/help.ts';
import { isAlive } from '../lib/home/home.ts';
import { type Project, project } from './harness/command.ts';
import { needsSignals } from './harness/signals.ts';

let here: Project;

const chain = (label: string) => `
name: chain
stages:
  first: { uses: pass, with: { label: ${label} } }
  second: { uses: pass, needs: [first], with: { label: ${label} } }
`;
const wrong = `name: wrong
stages:
  first: { uses: pas }
  second: { uses: pass, needs: [frist], with: { labl: a } }
`;

beforeAll(() => {
  here = project();
  here.write('chain.yaml', chain('a'));
  here.write('wrong.yaml', wrong);
  here.write(
    'lost.yaml',
    'name: lost\nstages:\n  data: { uses: fetchData, with: { source: "file:no-such-folder" } }\n',
  );
  here.write('nobody.yaml', 'name: nobody\nstages:\n  first: { uses: pass, queue: nobody, with: { label: n } }\n');
});
afterAll(() => here?.close());

describe('furrow, with nothing up', () => {
  it('says of every command what it takes, with examples, --json and the exit codes', async () => {
    const names = Object.keys(examples);
    const [whole, ...helps] = await Promise.all([
      here.furrow('--help'),
      ...names.map((name) => here.furrow(...name.split(' '), '--help')),
    ]);
    for (const [index, name] of names.entries()) {
      expect(whole?.stdout).toMatch(new RegExp(`^ {2}${name.split(' ')[0]} `, 'm'));
      expect(helps[index]).toMatchObject({ code: 0, stderr: '' });
      for (const part of ['--json', 'Examples:', 'Exit codes:', '130']) expect(helps[index]?.stdout).toContain(part);
    }
  });

  it('lists all problems of a file with their places, and starts nothing', async () => {
    for (const command of ['validate', 'run']) {
      const { code, stdout } = await here.furrow(command, 'wrong.yaml');
      expect(code).toBe(2);
      expect(stdout).toContain('wrong.yaml:3:18 stages.first.uses: Unknown stage `pas`');
      expect(stdout).toContain('wrong.yaml:4:33 stages.second.needs.0: Unknown stage `frist`');
      expect(stdout).toContain('wrong.yaml:4:49 stages.second.with.labl');
      expect(stdout).toContain('did you mean `label`?');
    }
    const { problems } = await here.json<{ problems: { line: number }[] }>('run', 'wrong.yaml');
    expect(problems.map((problem) => problem.line)).toEqual([3, 4, 4]);
    expect(await here.furrow('validate', 'chain.yaml')).toMatchObject({ code: 0 });
  });

  it('says what is missing, with what to do about it', async () => {
    const shown = await here.furrow('show');
    expect(shown.code).toBe(3);
    expect(shown.stderr).toContain('furrow up');
    expect(await here.json('show')).toMatchObject({ error: { code: 'SERVER_UNREACHABLE' } });
    expect(await here.furrow('worker')).toMatchObject({ code: 3 });
    expect(await here.json('logs')).toEqual([]);
    expect(await here.json('down')).toEqual({ stopped: false });
  });

  it('refuses what cannot be meant with exit code 2, as JSON where that is wanted', async () => {
    for (const args of [
      ['frobnicate'],
      ['run', '--bogus'],
      ['runs', '-n', '0'],
      ['stages', 'trian'],
      ['run', 'no.yaml'],
    ]) {
      expect(await here.furrow(...args)).toMatchObject({ code: 2, stdout: '' });
      expect(await here.json(...args)).toHaveProperty('error.message');
    }
  });
});

describe('furrow, with Temporal and a worker up', () => {
  beforeAll(async () => {
    expect(await here.json('up', '--detach')).toMatchObject({ phase: 'ready', already: false });
  });

  it('says that it is up already', async () => {
    expect(await here.json('up', '--detach')).toMatchObject({ pid: here.upState().pid, already: true });
  });

  it('runs a pipeline, then finds it finished', async () => {
    expect(await here.json('run', 'chain.yaml')).toMatchObject({
      status: 'finished',
      stages: { second: { cached: false } },
    });
    const again = await here.furrow('run', 'chain.yaml');
    expect(again.code).toBe(0);
    expect(again.stdout).toMatch(/✔ second +cached/);
    // No terminal: no lines that are written over.
    expect(again.stdout).not.toContain('\x1b');
    const changed = await here.json('run', 'chain.yaml', '--set', 'second.label=b', '--refresh', 'first');
    expect(changed).toMatchObject({ stages: { first: { cached: false }, second: { cached: false } } });
  });

  it('copies what a stage made into a folder, and overwrites nothing', async () => {
    await here.furrow('run', 'chain.yaml');
    expect(await here.json('get', 'second')).toMatchObject({ files: [{ path: 'label.txt', bytes: 1 }] });
    expect(readFileSync(join(here.folder, 'second/label.txt'), 'utf8')).toBe('a');
    expect(await here.furrow('get', 'second')).toMatchObject({ code: 2 });
    expect(await here.furrow('get', 'third')).toMatchObject({ code: 2 });
  });

  it('says what data a run was made of, and how that of another one differs', async () => {
    const features = `{ uses: preprocess, needs: [data], with: { bands: [green, red, red_edge, nir], target: filename, size: [16, 16] } }`;
    const pipeline = (source: string) =>
      `name: data\nstages:\n  data: { uses: fetchData, with: { source: '${source}' } }\n  features: ${features}\n`;
    here.write('made.yaml', pipeline('synthetic:plots?train=8&test=4&height=16&width=16'));
    here.write('taken.yaml', pipeline('file:plots'));
    await here.furrow('run', 'made.yaml', '--id', 'data-0');
    await here.furrow('get', 'data', '-r', 'data-0', '--to', 'plots');
    await here.furrow('run', 'taken.yaml', '--id', 'data-1');
    expect(await here.furrow('data', 'diff')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('the same data: 12'),
    });
    const nameOf = (file: string) => file.replace(/_(green|red|red_edge|nir)\.tif$/, '');
    const plots = readdirSync(join(here.folder, 'plots/train')).filter((file) => file.endsWith('_nir.tif'));
    const [first = '', second = ''] = plots;
    const train = (file: string) => join(here.folder, 'plots/train', file);
    copyFileSync(train(second), train(first));
    for (const band of ['green', 'red', 'red_edge', 'nir'])
      renameSync(
        train(`${nameOf(second)}_${band}.tif`),
        join(here.folder, 'plots/test', `${nameOf(second)}_${band}.tif`),
      );
    await here.furrow('run', 'taken.yaml', '--id', 'data-2');
    expect(await here.json('data', 'diff', 'data-0')).toMatchObject({
      same: false,
      before: { workflowId: 'data-0', stage: 'data' },
      plots: {
        added: [],
        removed: [],
        changed: expect.arrayContaining([
          { name: nameOf(first), files: [`train/${first}`] },
          expect.objectContaining({ name: nameOf(second), moved: { from: 'train', to: 'test' } }),
        ]),
        same: 10,
      },
    });
    expect(await here.json('data', 'show')).toMatchObject({ workflowId: 'data-2', facts: { files: 48 } });
    expect((await here.furrow('data', 'show', 'data-1')).stdout).toContain('12 (train: 8, test: 4)');
    // The same contents from elsewhere are found finished; where this run had them from is its own.
    cpSync(join(here.folder, 'plots'), join(here.folder, 'moved'), { recursive: true });
    here.write('moved.yaml', pipeline('file:moved'));
    await here.furrow('run', 'moved.yaml', '--id', 'data-3');
    expect(await here.json('data', 'show')).toMatchObject({ workflowId: 'data-3', facts: { uri: 'file:moved' } });
    const chain = await here.furrow('run', 'chain.yaml', '--id', 'chain-1');
    expect(chain.code).toBe(0);
    expect(await here.furrow('data', 'show', 'chain-1')).toMatchObject({ code: 2 });
  });

  it('exits with 1 when the run fails, and says what to do', async () => {
    const failed = await here.furrow('run', 'lost.yaml', '--id', 'lost-1', '--on-failure', 'fail');
    expect(failed.code).toBe(1);
    expect(failed.stdout).toContain('SOURCE_NOT_FOUND');
    expect(await here.json('show', 'lost-1')).toMatchObject({
      status: 'failed',
      failure: { code: 'SOURCE_NOT_FOUND', stage: 'data' },
    });
    expect(await here.json('runs', '--status', 'failed')).toMatchObject([{ workflowId: 'lost-1', pipeline: 'lost' }]);
    expect(await here.json('runs', '--pipeline', 'wrong')).toEqual([]);
    expect(await here.furrow('show', 'no-such-run')).toMatchObject({ code: 1 });
  });

  it('detaches on Ctrl-C, and the run goes on to its end', async (context) => {
    needsSignals(context);
    // It waits for a worker of its own, however long the commands below take to start.
    here.write('later.yaml', chain('later').replace('second: {', 'second: { queue: later,'));
    const run = here.start('run', 'later.yaml', '--id', 'later-1');
    await run.said('▶ second');
    run.process.kill('SIGINT');
    const { code, stdout } = await run.ended;
    expect(code).toBe(130);
    expect(stdout).toContain('the run goes on');
    expect(await here.json('show', 'later-1')).toMatchObject({ status: 'running' });
    expect(await here.furrow('run', 'later.yaml', '--id', 'later-1')).toMatchObject({ code: 2 });
    const worker = here.start('worker', '--queues', 'later');
    expect(await here.json('watch', 'later-1')).toMatchObject({ status: 'finished' });
    worker.process.kill('SIGTERM');
    expect(await worker.ended).toMatchObject({ code: 0 });
  });

  it('names a queue that no worker polls, with the command that starts one', async (context) => {
    needsSignals(context);
    const run = here.start('run', 'nobody.yaml', '--id', 'nobody-1');
    await run.said('No worker polls queue nobody; start one: furrow worker --queues nobody');
    expect(await here.json('show', 'nobody-1')).toMatchObject({ waiting: [{ queue: 'nobody', polled: false }] });
    // Newest first, though one that started earlier still goes on.
    await here.furrow('run', 'chain.yaml', '--id', 'newest-1');
    expect(await here.json('show')).toMatchObject({ run: { workflowId: 'newest-1' } });
    expect(await here.json('runs', '-n', '2')).toMatchObject([{ workflowId: 'newest-1' }, { workflowId: 'nobody-1' }]);
    // As it says.
    const worker = here.start('worker', '--queues', 'nobody');
    expect(await run.ended).toMatchObject({ code: 0 });
    worker.process.kill('SIGTERM');
    expect(await worker.ended).toMatchObject({ code: 0 });
  });

  it('shows an ended run while no worker is there', async (context) => {
    needsSignals(context);
    const { pid, workerPid } = here.upState();
    process.kill(pid, 'SIGSTOP');
    try {
      process.kill(workerPid as number, 'SIGKILL');
      expect(await here.json('show', 'later-1')).toMatchObject({
        status: 'finished',
        stages: [{ status: 'finished' }, { status: 'finished' }],
      });
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    // The supervisor starts another worker, and goes on itself although the command that started it is gone.
    expect(await here.json('run', 'chain.yaml', '--no-cache')).toMatchObject({ status: 'finished' });
    expect(here.upState()).toMatchObject({ pid });
    expect(here.upState().workerPid).not.toBe(workerPid);
  });

  it('drains the worker before it takes Temporal down', async () => {
    const { pid, serverPid, workerPid } = here.upState();
    expect(await here.json('down')).toEqual({ stopped: true });
    expect([pid, serverPid, workerPid].filter((one) => isAlive(one as number))).toEqual([]);
    expect(readFileSync(join(here.folder, '.furrow/logs/worker.log'), 'utf8').trimEnd()).toMatch(/worker drained"\}$/);
    expect(await here.json<object[]>('logs', '-n', '1')).toMatchObject([{ msg: 'worker drained' }]);
  });
});

describe('furrow up in the foreground', () => {
  beforeEach(needsSignals);

  it('stays until Ctrl-C, and has ended all that it started when it returns', async () => {
    const up = here.start('up');
    await up.said('Ctrl-C ends it');
    const { pid, serverPid, workerPid } = here.upState();
    expect(await here.json('run', 'chain.yaml', '--no-cache')).toMatchObject({ status: 'finished' });
    expect(up.process.exitCode).toBe(null);
    up.process.kill('SIGINT');
    expect(await up.ended).toMatchObject({ code: 0, stdout: expect.stringContaining('furrow is down') });
    expect([pid, serverPid, workerPid].filter((one) => isAlive(one as number))).toEqual([]);
  });
});

describe('furrow, when its supervisor was killed', () => {
  beforeEach(needsSignals);

  it('ends what was left running, and goes on with what is there', async () => {
    // `run` brings up what is missing, and still prints one JSON value.
    expect(await here.json('run', 'chain.yaml')).toMatchObject({
      status: 'finished',
      stages: { first: { cached: true } },
    });
    const { pid, serverPid, workerPid } = here.upState();
    process.kill(pid, 'SIGKILL');
    // The worker may have drained by itself before anybody looked.
    expect(await here.json('down')).toEqual({ stopped: true, leftovers: expect.arrayContaining(['Temporal']) });
    expect([serverPid, workerPid].filter((one) => isAlive(one as number))).toEqual([]);
  });

  it('touches no process that has a number of old', async () => {
    const other = process.pid;
    here.write('.furrow/up.json', JSON.stringify({ pid: other, phase: 'ready', serverPid: other, workerPid: other }));
    expect(await here.json('down')).toEqual({ stopped: false });
    expect(await here.furrow('show')).toMatchObject({ code: 3 });
  });
});
