import { describe, expect, it } from 'vitest';
import type { RunRecord, StageState } from '../../contract/messages.ts';
import { pipelineId, pipelineRows, trackedPipeline, trackedTraining, trainingId } from './trackedRuns.ts';

const run = { pipeline: 'nitrogen', workflowId: 'nitrogen-1', runId: 'aaaa' };
const around = { tracking: { project: 'p', tags: ['t'], notes: 'mine' }, page: () => 'http://ui/run' };

describe('the id of a run at a tracker', () => {
  it('is the same each time, and another for another run, stage, replay and kind', () => {
    const other = { ...run, runId: 'bbbb' };
    const ids = [
      ...[trainingId(run, 'a', 0), trainingId(run, 'b', 0), trainingId(run, 'a', 1), trainingId(other, 'a', 0)],
      ...[pipelineId(run), pipelineId(other)],
    ];
    expect(new Set(ids).size).toBe(ids.length);
    expect(trainingId(run, 'a', 0)).toBe(ids[0]);
    for (const id of ids) expect(id).toMatch(/^[a-z0-9]{16}$/);
  });
});

describe('a training', () => {
  const training = {
    ...{ run, stage: 'convnet', replay: 0, params: { epochs: 3 }, seed: 7, state: 'running' as const },
    ...{ fingerprint: 'sha256:f' as const, inputs: { features: 'sha256:i' as const }, startedAt: '' },
  };

  it('is described by what it was told and learned from, with the way to its run', () => {
    expect(trackedTraining(training, { ...around, commit: 'c0ffee' })).toMatchObject({
      ...{
        name: 'nitrogen-1/convnet',
        group: 'nitrogen',
        jobType: 'train',
        project: 'p',
        tags: ['t'],
        commit: 'c0ffee',
      },
      notes: 'mine\nTemporal workflow nitrogen-1, run aaaa\nhttp://ui/run',
      config: {
        epochs: 3,
        seed: 7,
        furrow: { stage: 'convnet', workflow_id: 'nitrogen-1', inputs: { features: 'sha256:i' } },
      },
    });
  });

  it('says so where it is a retry, and why it failed', () => {
    const retried = trackedTraining({ ...training, replay: 2, state: 'failed', failure: 'CODE: why' }, around);
    expect(retried).toMatchObject({
      name: 'nitrogen-1/convnet (retry 2)',
      state: 'failed',
      summary: { failure: 'CODE: why' },
    });
  });
});

describe('the run of a pipeline', () => {
  const stage = (name: string, more: object): StageState =>
    ({ name, uses: name, queue: 'furrow', needs: [], replay: 0, status: 'finished', ...more }) as StageState;
  const record = (status: RunRecord['status'], stages: StageState[]): RunRecord => ({
    ...{ format: 1, run, status, startedAt: '2026-01-01T00:00:00.000Z', stages },
    headline: { name: 'test_mae', value: 12 },
  });
  const at = (second: number) => `2026-01-01T00:00:0${second}.000Z`;

  it('has a row for each stage that is done, as they ended', () => {
    const rows = pipelineRows(
      record('finished', [
        stage('slow', { endedAt: at(5), metrics: { mae: 1 } }),
        stage('quick', { endedAt: at(2), status: 'cached' }),
        stage('failed', { endedAt: at(1), status: 'failed' }),
        stage('never', { status: 'skipped' }),
      ]),
    );
    expect(rows.map((row) => [row._step, row._runtime, row.stage])).toEqual([
      [0, 2, 'quick'],
      [1, 5, 'slow'],
    ]);
    expect(rows[0]).toMatchObject({ 'quick/state': 'cached' });
    expect(rows[1]).toMatchObject({ 'slow/mae': 1, 'slow/state': 'finished' });
  });

  it('names dataset, model and image by their digests', () => {
    const { summary } = trackedPipeline(
      record('finished', [
        stage('data', { source: { digest: 'sha256:d', facts: {} } }),
        stage('register', {
          artifact: { kind: 'model-version', digest: 'sha256:m' },
          facts: { model: 'nitrogen', version: 3 },
        }),
        stage('image', { artifact: { kind: 'image', digest: 'sha256:a' }, facts: { image: 'sha256:i' } }),
      ]),
      around,
      true,
    );
    expect(summary).toMatchObject({
      dataset: 'sha256:d',
      model: 'nitrogen:3',
      model_digest: 'sha256:m',
      image: 'sha256:i',
      test_mae: 12,
    });
  });

  it.each([
    ['running', false, 'running'],
    ['held', false, 'running'],
    ['held', true, 'crashed'],
    ['finished', true, 'finished'],
    ['failed', true, 'failed'],
    ['cancelled', true, 'cancelled'],
  ] as const)('that is %s, over: %s, counts as %s', (status, over, state) => {
    expect(trackedPipeline(record(status, []), around, over).state).toBe(state);
  });
});
