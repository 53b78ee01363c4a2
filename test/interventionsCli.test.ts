/** Every command by which a person acts on a run, typed as they would, against a real server. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunRecord } from '../contract/messages.ts';
import { type Project, project } from './harness/command.ts';
import { longTraining } from './harness/pipelines.ts';
import { needsSignals } from './harness/signals.ts';
import { until } from './harness/until.ts';

let here: Project;

beforeAll(async () => {
  here = project();
  here.write(
    'lost.yaml',
    `name: lost
stages:
  first: { uses: pass, with: { label: first } }
  data: { uses: fetchData, needs: [], with: { source: "file:no-such-folder" } }
  plots: { uses: preprocess, needs: [data], with: { bands: [green, red, red_edge, nir], target: filename, size: [40, 26] } }
`,
  );
  here.write(
    'guarded.yaml',
    `name: guarded
stages:
  made: { uses: pass, with: { label: made } }
  deploy: { uses: pass, needs: [made], approval: true, with: { label: deploy } }
`,
  );
  here.write('training.yaml', longTraining('.furrow/store').replace('epochs: 150', 'epochs: 50000'));
  await here.furrow('up', '--detach');
});
afterAll(() => here?.close());

const synthetic = 'data.source=synthetic:plots?train=12&test=4&height=40&width=26';

describe('a run that is held', () => {
  it('ends the command with 4, and shows code, message, what to do and the command to run next', async () => {
    const { code, stdout } = await here.furrow('run', 'lost.yaml', '--id', 'lost-1');
    expect(code).toBe(4);
    for (const part of ['data: SOURCE_NOT_FOUND: ', "Check the source's address", 'furrow retry lost-1 data'])
      expect(stdout).toContain(part);
    const shown = await here.furrow('show', 'lost-1');
    for (const part of ['lost lost-1: held until 20', 'SOURCE_NOT_FOUND', 'furrow retry lost-1 data'])
      expect(shown.stdout).toContain(part);
    expect(await here.json('show', 'lost-1')).toMatchObject({
      status: 'held',
      next: [{ command: 'furrow retry lost-1 data' }],
    });
    expect(await here.json('runs', '--status', 'held')).toMatchObject([{ workflowId: 'lost-1', status: 'held' }]);
    expect(await here.json('runs', '--status', 'running')).toEqual([]);
  });

  it('refuses what does not fit it, and changes nothing', async () => {
    const refused = [
      [
        ['retry', 'lost-1', 'first'],
        1,
        /first is finished: there is nothing to retry\. `furrow reset lost-1 --to first`/,
      ],
      [['retry', 'lost-1', 'dta'], 2, /no stage dta/],
      [['retry', 'lost-1', '--set', 'data.sorce=x'], 2, /--set data\.sorce|did you mean `source`/],
      [['retry', 'lost-1', '--set', 'seed=7'], 2, /start another run/],
      [['resume', 'lost-1'], 1, /not paused: it is held/],
      [['approve', 'lost-1'], 2, /No stage of lost-1 waits/],
      [['approve', 'lost-1', 'first'], 1, /first needs no approval/],
      [['reset', 'lost-1', '--to', 'plots'], 1, /plots has not begun/],
      [['retry', 'no-such-run'], 1, /RUN_NOT_FOUND/],
    ] as const;
    for (const [args, code, message] of refused) {
      const answer = await here.furrow(...args);
      expect(answer.code, args.join(' ')).toBe(code);
      expect(answer.stdout + answer.stderr, args.join(' ')).toMatch(message);
    }
    expect(await here.json('show', 'lost-1')).toMatchObject({ status: 'held' });
  });

  it('goes on with `furrow retry` to its end, with what had finished as it was', async () => {
    const { code, stdout } = await here.furrow('retry', 'lost-1', 'data', '--set', synthetic);
    expect(stdout).toContain('Replaying data, plots');
    expect(code).toBe(0);
    const { stages } = await here.json<RunRecord>('show', 'lost-1');
    expect(stages.map(({ name, status, replay }) => [name, status, replay])).toEqual([
      ['first', 'finished', 0],
      ['data', 'finished', 1],
      ['plots', 'finished', 1],
    ]);
  });
});

describe('a run that has ended', () => {
  it('is retried as a new run of its id, from what is finished', async () => {
    expect(await here.furrow('run', 'lost.yaml', '--id', 'lost-2', '--on-failure', 'fail')).toMatchObject({ code: 1 });
    const before = await here.json<RunRecord>('show', 'lost-2');
    expect(before).toMatchObject({ status: 'failed', next: [{ command: 'furrow retry lost-2' }] });
    expect(await here.json('retry', 'lost-2', '--set', synthetic)).toMatchObject({
      status: 'finished',
      stages: { first: { cached: true }, data: { cached: true } },
    });
    expect(await here.json('show', 'lost-2')).toMatchObject({ status: 'finished', replayOf: before.run.runId });
    const again = await here.furrow('retry', 'lost-2');
    expect(again.code).toBe(1);
    expect(again.stderr).toContain('has finished: there is nothing to retry');
    expect(await here.furrow('pause', 'lost-2')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('has ended'),
    });
    expect(await here.furrow('cancel', 'lost-2')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('it is finished'),
    });
  });

  it('is taken back to a stage, which runs again although its result is there, and nothing before it', async () => {
    const before = await here.json<RunRecord>('show', 'lost-1');
    expect(await here.furrow('reset', 'lost-1', '--to', 'plots')).toMatchObject({ code: 0 });
    const after = await here.json<RunRecord>('show', 'lost-1');
    expect(after.run.runId).not.toBe(before.run.runId);
    const made = ({ stages }: RunRecord, name: string) => stages.find((stage) => stage.name === name);
    expect(made(after, 'plots')).toMatchObject({ status: 'finished', provenance: { runId: after.run.runId } });
    expect(made(after, 'plots')?.artifact).toEqual(made(before, 'plots')?.artifact);
    expect(made(after, 'data')?.provenance).toEqual(made(before, 'data')?.provenance);
    // It was a retry that gave it something to read: what a person did before stands, too.
    expect(await here.furrow('reset', 'lost-1', '--to', 'data')).toMatchObject({ code: 0 });
    const again = await here.json<RunRecord>('show', 'lost-1');
    expect(made(again, 'data')).toMatchObject({
      status: 'finished',
      replay: 1,
      provenance: { runId: again.run.runId },
    });
    expect(await here.furrow('reset', 'lost-1', '--to', 'plts')).toMatchObject({ code: 2 });
    expect(await here.furrow('reset', 'lost-1')).toMatchObject({ code: 2 });
  });
});

describe('a stage that needs approval', () => {
  it('waits for `furrow approve`', async () => {
    const { code, stdout } = await here.furrow('run', 'guarded.yaml', '--id', 'guarded-1');
    expect(code).toBe(4);
    expect(stdout).toContain('furrow approve guarded-1 deploy');
    expect(await here.json('approve', 'guarded-1')).toMatchObject({ approved: 'deploy' });
    expect(await here.json('watch', 'guarded-1')).toMatchObject({ status: 'finished' });
    expect(await here.furrow('approve', 'guarded-1', 'deploy')).toMatchObject({ code: 1 });
  });
});

describe('a training', () => {
  it('is paused, goes on, and is cancelled, its checkpoint kept and no process left', async (context) => {
    needsSignals(context);
    await here.json('run', 'training.yaml', '--id', 'training-1', '--detach');
    const model = async () => (await here.json<RunRecord>('show', 'training-1')).stages[2];
    const trains = async () =>
      Object.values((await here.json<{ live: object }>('show', 'training-1')).live).some((live) =>
        JSON.stringify(live).includes('"checkpoint"'),
      );
    await until('it trains', trains);
    expect(await here.json('pause', 'training-1')).toMatchObject({ status: 'paused', stages: ['model'] });
    await until('it has stopped', async () => (await model())?.status === 'paused');
    expect((await here.furrow('show', 'training-1')).stdout).toMatch(/paused[\s\S]*furrow resume training-1/);
    expect(await here.json('runs', '--status', 'paused')).toMatchObject([{ workflowId: 'training-1' }]);
    expect(await here.furrow('pause', 'training-1')).toMatchObject({ code: 1 });
    expect(await here.json('resume', 'training-1')).toMatchObject({ status: 'running' });
    await until('it trains again', trains);
    expect(await here.json('cancel', 'training-1')).toMatchObject({ status: 'cancelled' });
    expect(await here.json('show', 'training-1')).toMatchObject({ status: 'cancelled' });
    // Another attempt goes on from the checkpoint that the cancelled one left.
    await here.json('retry', 'training-1', '--detach');
    await until('it trains once more', trains);
    expect((await here.furrow('logs', '-n', '500')).stdout).toMatch(/going on from step [1-9]/);
    await here.json('cancel', 'training-1');
  });
});
