import { describe, expect, it } from 'vitest';
import type { Digest, FinishedStage } from '../contract/artifact.ts';
import type { ResolvedStage } from '../contract/config.ts';
import type { Plan } from '../contract/messages.ts';
import { runDetails } from './details.ts';
import { RunState } from './runState.ts';

const digest = (digit: string): Digest => `sha256:${digit.repeat(64)}`;

describe('the state of a run', () => {
  it('says before its plan that it runs, and after it which stages wait', () => {
    const { state } = planned(['data', 'model']);
    expect(new RunState(run, new Date(0), () => {}).record()).toMatchObject({ status: 'running', stages: [] });
    expect(state.record()).toMatchObject({
      run: { ...run, pipeline: 'p' },
      seed: 42,
      stages: [
        { name: 'data', status: 'waiting', fingerprint: digest('f') },
        { name: 'model', status: 'waiting', needs: ['data'] },
      ],
    });
  });

  it('tells every change, with a number that only grows', () => {
    const { state, told } = planned(['data']);
    state.started('data', 'data.resolve#1');
    state.started('data', 'data#1');
    state.done('data', { finished: finished('data'), cached: false });
    state.ended('finished');
    expect(told).toEqual([1, 2, 3, 4, 5]);
  });

  it('keeps when a stage was first started, however many activities that took', () => {
    const { state } = planned(['data']);
    state.started('data', 'data.resolve#1');
    const { startedAt } = state.record().stages[0] ?? {};
    state.started('data', 'data#1');
    expect(state.record().stages[0]).toMatchObject({ status: 'running', startedAt, activityId: 'data#1' });
  });

  it('says of a cached result which run made it, and of a made one nothing', () => {
    const { state } = planned(['data', 'model']);
    state.done('data', { finished: finished('data'), cached: true });
    state.done('model', { finished: finished('model'), cached: false });
    const [data, model] = state.record().stages;
    expect(data).toMatchObject({ status: 'cached', madeBy: { workflowId: 'earlier', runId: 'r0' } });
    expect(model).toMatchObject({ status: 'finished', metrics: { mae: 18.25 } });
    expect(model?.madeBy).toBeUndefined();
  });

  it('is headed by the last stage that has a headline', () => {
    const { state } = planned(['evaluate', 'register', 'image']);
    state.done('evaluate', { finished: finished('evaluate', 20), cached: false });
    expect(state.record().headline?.value).toBe(20);
    state.done('register', { finished: finished('register', 19), cached: false });
    state.done('image', { finished: finished('image'), cached: false });
    expect(state.record().headline?.value).toBe(19);
  });

  it.each([
    ['failed', 'skipped'],
    ['cancelled', 'cancelled'],
  ] as const)('that ends as %s leaves what had not ended as %s', (status, left) => {
    const { state } = planned(['done', 'bad', 'running', 'waiting']);
    state.done('done', { finished: finished('done'), cached: false });
    state.failed('bad', { code: 'DATA_EMPTY', message: 'no plots', action: 'look' });
    state.started('running', 'running#1');
    state.ended(status);
    expect(state.record().stages.map((stage) => stage.status)).toEqual(['finished', 'failed', left, left]);
    expect(state.record().endedAt).toBeDefined();
  });

  it('refuses a stage that is not in the plan', () => {
    expect(() => planned(['data']).state.started('other', 'other#1')).toThrow(TypeError);
  });
});

describe('a run that goes on', () => {
  it('replays stages as if they had never run, but for the count', () => {
    const { state, plan } = planned(['data', 'model']);
    state.done('data', { finished: finished('data'), cached: false });
    state.started('model', 'model#1');
    state.failed('model', { code: 'DATA_EMPTY', message: 'no plots', action: 'look' });
    state.replayed({ ...plan, configDigest: digest('d') }, ['model']);
    const [data, model] = state.record().stages;
    expect(data).toMatchObject({ status: 'finished', replay: 0 });
    expect(model).toEqual({
      ...{ name: 'model', uses: 'pass', queue: 'furrow', needs: ['data'] },
      ...{ status: 'waiting', replay: 1, fingerprint: digest('f') },
    });
    expect(state.record().configDigest).toBe(digest('d'));
    expect([...state.finished.keys()]).toEqual(['data']);
  });

  it('is held until it is not, and says until when', () => {
    const { state, told } = planned(['data']);
    state.stands('held', new Date(5000));
    state.stands('held', new Date(5000));
    expect(told).toEqual([1, 2]);
    expect(state.record()).toMatchObject({ status: 'held', heldUntil: '1970-01-01T00:00:05.000Z' });
    state.stands('running');
    expect(state.record().heldUntil).toBeUndefined();
  });
});

describe('the details in the Temporal UI', () => {
  it('are a table with a line for each stage: its state, its metrics, its failure', () => {
    const { state } = planned(['data', 'model', 'image', 'late']);
    state.done('data', { finished: finished('data', 12.345_678), cached: true });
    state.started('model', 'model#1');
    state.failed('image', { code: 'REGISTRY_REFUSED', message: 'no', action: 'check' });
    const lines = runDetails(state.record()).split('\n');
    expect(lines[0]).toBe('**mae 12.35**');
    expect(lines).toContainEqual(expect.stringMatching(/^\| data \| ✔ \(cached\) .*mae 18\.25/));
    expect(lines).toContainEqual(expect.stringMatching(/^\| model \| ▶ running/));
    expect(lines).toContainEqual(expect.stringMatching(/^\| image \| ✘ failed .*REGISTRY_REFUSED/));
    expect(lines).toContainEqual(expect.stringMatching(/^\| late \| · waiting/));
  });

  it('say what a person can do about a run that is held', () => {
    const { state } = planned(['data', 'deploy']);
    state.failed('data', { code: 'DATA_EMPTY', message: 'no plots', action: 'Look.', log: ['12:00:01 looked'] });
    state.update('deploy', { status: 'held', notice: 'waits for approval' });
    state.stands('held', new Date(5000));
    const text = runDetails(state.record());
    for (const part of ['furrow retry w data', 'furrow approve w deploy', '12:00:01 looked', '1970-01-01T00:00:05'])
      expect(text).toContain(part);
  });

  it('say at the end why the run failed and what to do', () => {
    const { state } = planned(['data']);
    state.ended('failed', { code: 'DATA_EMPTY', message: 'no plots', action: 'Check the source.', stage: 'data' });
    expect(runDetails(state.record())).toMatch(/\*\*DATA_EMPTY\*\*: no plots[\s\S]*Check the source\./);
  });
});

const run = { pipeline: '', workflowId: 'w', runId: 'r' };

function planned(names: string[]) {
  const told: number[] = [];
  const state: RunState = new RunState(run, new Date(0), () => told.push(state.sequence));
  const stages = names.map((name, at) => ({ name, uses: 'pass', queue: 'furrow', needs: names.slice(0, at) }));
  const plan = {
    pipeline: { name: 'p', seed: 42, store: 's', strictRuntime: false, stages: stages as unknown as ResolvedStage[] },
    store: { uri: 'file:///s', id: 'id' },
    baseFolder: '/b',
    configDigest: digest('c'),
    fingerprints: { pass: digest('f') },
    code: digest('0'),
    noCache: false,
    refresh: [],
  };
  state.planned(plan as unknown as Plan);
  return { state, told, plan: plan as unknown as Plan };
}

function finished(stage: string, headline?: number): FinishedStage {
  return {
    key: digest('a'),
    artifact: { uri: 'file:///s/a', digest: digest('b'), kind: 'token', bytes: 1 },
    attachments: [],
    metrics: { mae: 18.25 },
    facts: {},
    ...(headline !== undefined && { headline: { name: 'mae', value: headline } }),
    provenance: { stage, workflowId: 'earlier', runId: 'r0' } as FinishedStage['provenance'],
  };
}
