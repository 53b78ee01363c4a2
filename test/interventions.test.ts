import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { CancelledFailure, type WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Digest } from '../contract/artifact.ts';
import { FurrowError } from '../contract/errors.ts';
import {
  type ApproveRequest,
  type Intervention,
  type RetryRequest,
  type RunRecord,
  type TrainPipelineResult,
  updateNames,
} from '../contract/messages.ts';
import { allQueues } from '../worker/roles.ts';
import type { RunningWorker } from '../worker/startWorker.ts';
import { builtCode, type TestFurrow, testFurrow } from './harness/furrow.ts';
import { longTraining, untilCheckpoint } from './harness/pipelines.ts';
import { probeStage } from './harness/stages.ts';
import { until } from './harness/until.ts';

let furrow: TestFurrow;
let worker: RunningWorker;
/** The labels that the stage `probe` has run with, in order. */
const ran: string[] = [];
const probe = probeStage('probe', async ({ params, log }) => {
  ran.push(params.label);
  log.info(`looks at ${params.label}`);
  if (params.label.startsWith('bad')) throw new FurrowError('DATA_EMPTY', `${params.label} holds no plot`);
});

beforeAll(async () => {
  furrow = await testFurrow();
  worker = await furrow.work(allQueues, await builtCode([probe]));
});
afterAll(() => furrow?.close());

const forks = (store: string, more = '') => `
name: forks
store: stores/${store}
${more}
stages:
  root: { uses: probe, with: { label: root } }
  bad: { uses: probe, needs: [root], with: { label: bad } }
  good: { uses: probe, needs: [root], with: { label: good } }
  both: { uses: probe, needs: [bad, good], with: { label: both } }
`;

describe('a run with a failed stage', () => {
  it('goes on with every branch that does not need it, then holds, and says why and what to do', async () => {
    const handle = await hold(forks('held'));
    const record = await furrow.progress(handle);
    expect(statuses(record)).toEqual({ root: 'finished', bad: 'failed', good: 'finished', both: 'waiting' });
    const days = (Date.parse(record.heldUntil ?? '') - Date.now()) / 86_400_000;
    expect(days).toBeGreaterThan(2.9);
    expect(record.stages[1]?.failure).toMatchObject({
      code: 'DATA_EMPTY',
      message: 'bad holds no plot',
      log: [expect.stringContaining('looks at bad')],
    });
    const { currentDetails } = await handle.query<{ currentDetails?: string }, []>('__temporal_workflow_metadata');
    for (const part of ['DATA_EMPTY', 'looks at bad', `furrow retry ${handle.workflowId} bad`])
      expect(currentDetails).toContain(part);
    const { searchAttributes } = await handle.describe();
    expect(searchAttributes.FurrowStatus).toEqual(['held']);
    await handle.terminate('seen');
  });

  it('replays it with another parameter, and what depends on it, and nothing else', async () => {
    const handle = await hold(forks('retried'));
    const before = ran.length;
    const { stages } = await retry(handle, { stage: 'bad', replay: 0, set: { 'bad.label': 'mended' } });
    expect(stages).toEqual(['bad', 'both']);
    const result = (await handle.result()) as TrainPipelineResult;
    expect(Object.values(result.stages).map(({ cached }) => cached)).toEqual([false, false, false, false]);
    expect(ran.slice(before)).toEqual(['mended', 'both']);
    const record = await furrow.progress(handle);
    expect(record.stages.map(({ replay }) => replay)).toEqual([0, 1, 0, 1]);
    expect(record.stages[1]?.activityId).toBe('bad#2');
    expect(record.config?.stages[1]?.with).toMatchObject({ label: 'mended' });
  });

  it('replays what a changed parameter changes, finished or not', async () => {
    const handle = await hold(forks('changed'));
    const before = ran.length;
    const { stages } = await retry(handle, { set: { 'root.label': 'new', 'bad.label': 'mended' } });
    expect(stages).toEqual(['root', 'bad', 'good', 'both']);
    await handle.result();
    expect(ran.slice(before).sort()).toEqual(['both', 'good', 'mended', 'new']);
  });

  it('takes it up while another branch still runs', async () => {
    const handle = await furrow.start(
      `name: early
store: stores/early
stages:
  slow: { uses: pass, with: { label: slow, seconds: 3 } }
  bad: { uses: probe, with: { label: bad } }
  after: { uses: probe, needs: [slow], with: { label: after } }
`,
      { onFailure: 'hold' },
    );
    await furrow.until(handle, ({ stages }) => stages[1]?.status === 'failed');
    expect((await furrow.progress(handle)).status).toBe('running');
    await expect(retry(handle, { set: { 'slow.label': 'other' } })).rejects.toMatchObject({
      cause: { type: 'WRONG_STATE', message: expect.stringContaining('slow would have to run again') },
    });
    expect(await retry(handle, { set: { 'bad.label': 'fine' } })).toMatchObject({ stages: ['bad'] });
    expect(await handle.result()).toMatchObject({ status: 'finished' });
  });

  it('fails when nobody retries it in time', async () => {
    const handle = await furrow.start(forks('late', 'holdFor: 1s'), { onFailure: 'hold' });
    await expect(handle.result()).rejects.toMatchObject({
      cause: { type: 'DATA_EMPTY', message: expect.stringContaining('nobody retried it until') },
    });
    expect(statuses(await furrow.progress(handle))).toMatchObject({ bad: 'failed', both: 'skipped' });
  });

  it('fails at once where the file says so', async () => {
    const handle = await furrow.startWith({
      config: { file: 'test.yaml', text: forks('fails', 'onFailure: fail'), baseFolder: furrow.folder },
    });
    await expect(handle.result()).rejects.toMatchObject({
      cause: { type: 'DATA_EMPTY', message: 'bad: bad holds no plot' },
    });
  });

  it('runs with the code that the workers have by then', async () => {
    const handle = await hold(forks('mended'));
    worker.shutdown();
    await worker.done;
    const mended = probeStage('probe', ({ params }) => void ran.push(`${params.label} by new code`));
    worker = await furrow.work(allQueues, await builtCode([mended], { probe: `sha256:${'1'.repeat(64)}` }));
    try {
      await retry(handle, { stage: 'bad' });
      await handle.result();
      expect(ran.slice(-2)).toEqual(['bad by new code', 'both by new code']);
      const { stages } = await furrow.progress(handle);
      expect(stages.map(({ fingerprint }) => fingerprint === `sha256:${'1'.repeat(64)}`)).toEqual([
        false,
        true,
        false,
        true,
      ]);
    } finally {
      worker.shutdown();
      await worker.done;
      worker = await furrow.work(allQueues, await builtCode([probe]));
    }
  });

  it('whose input is gone from the store makes that anew', async () => {
    let gone: Digest | undefined;
    const reader = probeStage('reader', async ({ inputs }) => {
      const [before] = inputs.before;
      const [file] = (await before?.artifact.files()) ?? [];
      if (gone === undefined && file) {
        gone = file.digest;
        await rm(fileURLToPath(`${storeUri}/blobs/sha256/${file.digest.slice(7, 9)}/${file.digest.slice(7)}`));
      }
      await before?.artifact.read('label.txt');
    });
    const storeUri = new URL(`file://${furrow.folder}/stores/gone`).href;
    const other = await furrow.work(['other'], await builtCode([probe, reader]));
    worker.shutdown();
    await worker.done;
    worker = await furrow.work(allQueues, await builtCode([probe, reader]));
    const handle = await hold(`
name: gone
store: stores/gone
stages:
  root: { uses: probe, with: { label: gone root } }
  reader: { uses: reader, needs: [root] }
`);
    expect((await furrow.progress(handle)).stages[1]?.failure?.code).toBe('BLOB_MISSING');
    expect(await retry(handle, {})).toMatchObject({ stages: ['root', 'reader'] });
    expect(await handle.result()).toMatchObject({ status: 'finished' });
    other.shutdown();
    await other.done;
  });

  it.each<[string, RetryRequest, string, RegExp]>([
    ['a stage that has not failed', { stage: 'good' }, 'WRONG_STATE', /good has not failed: it is finished/],
    [
      'a stage that there is not',
      { stage: 'god' },
      'WRONG_STATE',
      /no stage god; its stages are root, bad, good, both/,
    ],
    ['a failure that somebody retried already', { stage: 'bad', replay: 1 }, 'WRONG_STATE', /retried already/],
    ['a parameter that there is not', { set: { 'bad.lable': 'x' } }, 'CONFIG_INVALID', /label/],
    ['another graph', { set: { 'stages.good.needs': [] } }, 'CONFIG_INVALID', /start another run/],
    ['another seed', { set: { seed: 5 } }, 'CONFIG_INVALID', /start another run/],
  ])('refuses to retry %s, and stays as it is', async (_, request, code, message) => {
    const handle = await hold(forks('refused'));
    await expect(retry(handle, request)).rejects.toMatchObject({
      cause: { type: code, message: expect.stringMatching(message) },
    });
    expect(await furrow.progress(handle)).toMatchObject({ status: 'held' });
    await retry(handle, { set: { 'bad.label': 'mended' } });
    await handle.result();
  });

  it('is cancelled at once, held as it is', async () => {
    const handle = await hold(forks('cancelled'));
    await handle.cancel();
    await expect(handle.result()).rejects.toMatchObject({ cause: expect.any(CancelledFailure) });
    expect(await furrow.progress(handle)).toMatchObject({ status: 'cancelled' });
  });
});

describe('a stage with `approval: true`', () => {
  const guarded = (store: string, more = '') => `
name: guarded
store: stores/${store}
${more}
stages:
  made: { uses: probe, with: { label: made } }
  deploy: { uses: probe, needs: [made], approval: true, with: { label: deploy } }
`;

  it('waits for it; the run is held meanwhile', async () => {
    const handle = await furrow.start(guarded('approved'));
    const record = await furrow.until(handle, ({ status }) => status === 'held');
    expect(record.stages[1]).toMatchObject({ status: 'held', notice: expect.stringContaining('waits for approval') });
    expect(ran).not.toContain('deploy');
    expect(await approve(handle, { stage: 'deploy', replay: 0 })).toMatchObject({ stages: ['deploy'] });
    expect(await handle.result()).toMatchObject({ status: 'finished' });
    expect(ran).toContain('deploy');
  });

  it('may be approved ahead, once', async () => {
    const handle = await furrow.start(guarded('ahead').replace('label: made', 'label: ahead, text: slow'));
    await until('it is planned', () => furrow.progress(handle).then(({ stages }) => stages.length > 0));
    await approve(handle, { stage: 'deploy' });
    await expect(approve(handle, { stage: 'deploy' })).rejects.toThrow();
    expect(await handle.result()).toMatchObject({ status: 'finished' });
  });

  it('fails when nobody gives it in time', async () => {
    const handle = await furrow.start(guarded('unapproved', 'holdFor: 1s'));
    await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'NOT_APPROVED' } });
  });

  it('is asked again after a parameter before it has changed', async () => {
    const handle = await furrow.start(guarded('again').replace('label: deploy', 'label: bad deploy'), {
      onFailure: 'hold',
    });
    await furrow.until(handle, ({ stages }) => stages[1]?.status === 'held');
    await approve(handle, { stage: 'deploy' });
    await furrow.until(handle, ({ stages }) => stages[1]?.status === 'failed');
    // Who retries the stage itself has looked at it.
    await retry(handle, { stage: 'deploy' });
    await furrow.until(handle, ({ stages }) => stages[1]?.status === 'failed' && stages[1].replay === 1);
    await retry(handle, { set: { 'made.label': 'made anew', 'deploy.label': 'fine' } });
    // It would deploy something else than what was looked at.
    await furrow.until(handle, ({ stages }) => stages[1]?.status === 'held' && stages[1].replay === 2);
    await approve(handle, { stage: 'deploy' });
    await handle.result();
    await expect(approve(handle, { stage: 'deploy' })).rejects.toThrow();
  });

  it('is withdrawn by who is not content with what it would do, and changes that', async () => {
    const handle = await furrow.start(guarded('withdrawn'));
    await furrow.until(handle, ({ stages }) => stages[1]?.status === 'held');
    expect(await retry(handle, { set: { 'made.label': 'made better' } })).toMatchObject({ stages: ['made', 'deploy'] });
    const record = await furrow.until(handle, ({ stages }) => stages[1]?.status === 'held' && stages[1].replay === 1);
    expect(record.stages[0]).toMatchObject({ status: 'finished', replay: 1 });
    await approve(handle, { stage: 'deploy' });
    expect(await handle.result()).toMatchObject({ status: 'finished' });
    expect(ran.slice(-2)).toEqual(['made better', 'deploy']);
  });

  it('is no other stage', async () => {
    const handle = await furrow.start(guarded('other'));
    await furrow.until(handle, ({ status }) => status === 'held');
    await expect(approve(handle, { stage: 'made' })).rejects.toMatchObject({
      cause: { type: 'WRONG_STATE', message: 'made needs no approval' },
    });
    await handle.cancel();
    await expect(handle.result()).rejects.toMatchObject({ cause: expect.any(CancelledFailure) });
  });
});

describe('a paused run', () => {
  it('starts nothing more, frees the worker of its training at a checkpoint, and goes on to the same bytes', async () => {
    // Longer than a pause takes to arrive: it comes with the answer to a heartbeat.
    const long = (store: string) => longTraining(`stores/${store}`).replace('epochs: 150', 'epochs: 500');
    const undisturbed = await furrow.run(long('unpaused'));
    const handle = await furrow.start(long('paused'));
    await untilCheckpoint(handle);
    expect(await intervene(handle, updateNames.pause)).toMatchObject({ status: 'paused', stages: ['model'] });
    const record = await furrow.until(handle, ({ stages }) => stages[2]?.status === 'paused');
    expect(record.status).toBe('paused');
    await expect(intervene(handle, updateNames.pause)).rejects.toMatchObject({ cause: { type: 'WRONG_STATE' } });
    expect(await intervene(handle, updateNames.resume)).toMatchObject({ status: 'running' });
    const result = (await handle.result()) as TrainPipelineResult;
    expect(result.stages.model?.facts.resumedAtStep).toBeGreaterThan(0);
    expect(result.stages.model?.artifact.digest).toBe(undisturbed.stages.model?.artifact.digest);
  });

  it('is paused, not failed, where its worker is stopped before the pause has reached it', async () => {
    const handle = await furrow.start(longTraining('stores/paused-stopped').replace('epochs: 150', 'epochs: 400'));
    await untilCheckpoint(handle);
    await intervene(handle, updateNames.pause);
    worker.shutdown();
    await worker.done;
    worker = await furrow.work(allQueues, await builtCode([probe]));
    await furrow.until(handle, ({ stages }) => stages[2]?.status === 'paused');
    await intervene(handle, updateNames.resume);
    const { stages } = (await handle.result()) as TrainPipelineResult;
    expect(stages.model?.facts.resumedAtStep).toBeGreaterThan(0);
  });

  it('that is retried starts its waiting stage anew, with what was changed', async () => {
    const handle = await furrow.start(longTraining('stores/paused-retried').replace('epochs: 150', 'epochs: 400'));
    await untilCheckpoint(handle);
    await intervene(handle, updateNames.pause);
    await furrow.until(handle, ({ stages }) => stages[2]?.status === 'paused');
    expect(await retry(handle, { set: { 'model.epochs': 2 } })).toMatchObject({ stages: ['model'], status: 'paused' });
    await intervene(handle, updateNames.resume);
    const { stages } = (await handle.result()) as TrainPipelineResult;
    expect(stages.model?.metrics.epochs).toBe(2);
  });

  it('lets what is short end, and is cancelled as any other', async () => {
    const handle = await furrow.start(`
name: short
store: stores/short
stages:
  first: { uses: pass, with: { label: short, seconds: 2 } }
  second: { uses: probe, needs: [first], with: { label: never } }
`);
    await furrow.until(handle, ({ stages }) => stages[0]?.status === 'running');
    await intervene(handle, updateNames.pause);
    await furrow.until(handle, ({ stages }) => stages[0]?.status === 'finished');
    expect(statuses(await furrow.progress(handle))).toEqual({ first: 'finished', second: 'waiting' });
    await expect(intervene(handle, updateNames.resume)).resolves.toBeDefined();
    await handle.result();

    const other = await furrow.start(
      forks('cancelled while paused'.replaceAll(' ', '-')).replace('label: bad', 'label: b'),
    );
    await until('it is planned', () => furrow.progress(other).then(({ stages }) => stages.length > 0));
    await intervene(other, updateNames.pause).catch(() => {});
    await other.cancel();
    await expect(other.result()).rejects.toMatchObject({ cause: expect.any(CancelledFailure) });
  });

  it('is one that was paused', async () => {
    const handle = await hold(forks('unpaused-held'));
    await expect(intervene(handle, updateNames.resume)).rejects.toMatchObject({
      cause: { type: 'WRONG_STATE', message: 'The run is not paused: it is held' },
    });
    await handle.terminate('seen');
  });
});

/** Starts a run that a stage of fails, and waits until it holds. */
async function hold(yaml: string): Promise<WorkflowHandle> {
  const handle = await furrow.start(yaml, { onFailure: 'hold' });
  await furrow.until(handle, ({ status }) => status === 'held');
  return handle;
}

function intervene(handle: WorkflowHandle, name: string, request: object = {}): Promise<Intervention> {
  return handle.executeUpdate<Intervention, [object]>(name, { args: [request] });
}

function retry(handle: WorkflowHandle, request: RetryRequest): Promise<Intervention> {
  return intervene(handle, updateNames.retry, request);
}

function approve(handle: WorkflowHandle, request: ApproveRequest): Promise<Intervention> {
  return intervene(handle, updateNames.approve, request);
}

function statuses({ stages }: RunRecord): Record<string, string> {
  return Object.fromEntries(stages.map(({ name, status }) => [name, status]));
}
