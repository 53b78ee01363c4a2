import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CancelledFailure } from '@temporalio/client';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ArtifactRef, Digest } from '../contract/artifact.ts';
import { FurrowError } from '../contract/errors.ts';
import type { TrainPipelineResult } from '../contract/messages.ts';
import { mainQueue } from '../contract/queues.ts';
import { openArtifact } from '../lib/store/artifacts.ts';
import { blobName, manifestName } from '../lib/store/names.ts';
import { readRunRecord } from '../lib/store/runRecords.ts';
import { openStore, type Store } from '../lib/store/store.ts';
import { builtCode, type TestFurrow, testFurrow } from './harness/furrow.ts';
import { probeStage } from './harness/stages.ts';

let furrow: TestFurrow;
const fingerprints: Record<string, Digest> = {};
/** Labels of the probes that ran, in the order in which they began. */
const ran: string[] = [];
let atProbe: (label: string) => Promise<void> | void = () => {};
const count = probeStage('count', async ({ params }) => {
  ran.push(params.label);
  await atProbe(params.label);
});
const reads = probeStage('reads', async ({ inputs }) => {
  for (const { artifact } of inputs.before) await artifact.read('label.txt');
});

beforeAll(async () => {
  furrow = await testFurrow();
  await furrow.work([mainQueue], await builtCode([count, reads], fingerprints));
});
afterAll(() => furrow?.close());
beforeEach(() => {
  ran.length = 0;
  atProbe = () => {};
});

/** Every test has a store of its own: what one finished is new to the next. */
const chain = (store: string) => `
name: chain
store: stores/${store}
stages:
  first: { uses: pass, with: { label: a } }
  second: { uses: count, needs: [first], with: { label: b } }
  third: { uses: count, needs: [second], with: { label: c } }
`;

describe('a run finds what is finished', () => {
  it('and runs exactly the users of code that changed, then what their output changes', async () => {
    await furrow.run(chain('helper'));
    fingerprints.count = `sha256:${'1'.repeat(64)}`;
    const changed = await furrow.run(chain('helper'));
    delete fingerprints.count;
    expect(cachedOf(changed)).toEqual({ first: true, second: false, third: false });
    fingerprints.pass = `sha256:${'2'.repeat(64)}`;
    const same = await furrow.run(chain('helper'));
    delete fingerprints.pass;
    // The changed code made the same bytes: nothing after it runs.
    expect(cachedOf(same)).toEqual({ first: false, second: true, third: true });
  });

  it('by what a parameter means, not by how it is used on the way', async () => {
    await furrow.run(chain('params'));
    const operational = await furrow.run(chain('params'), { set: { 'stages.second.with.text': 'slower' } });
    expect(cachedOf(operational)).toEqual({ first: true, second: true, third: true });
    const changed = await furrow.run(chain('params'), { set: { 'stages.third.with.label': 'd' } });
    expect(cachedOf(changed)).toEqual({ first: true, second: true, third: false });
  });

  it('unless it is told to run again: all, or one stage', async () => {
    await furrow.run(chain('again'));
    const all = await furrow.run(chain('again'), { noCache: true });
    expect(cachedOf(all)).toEqual({ first: false, second: false, third: false });
    const one = await furrow.run(chain('again'), { refresh: ['second'] });
    expect(cachedOf(one)).toEqual({ first: true, second: false, third: true });
    await expect(furrow.run(chain('again'), { refresh: ['secnd'] })).rejects.toMatchObject({
      cause: { type: 'CONFIG_INVALID' },
    });
  });

  it('with no train worker at all', async () => {
    const trained = chain('no-worker').replace('label: b }', 'label: b }, queue: train-gpu');
    const worker = await furrow.work(['train-gpu'], await builtCode([count]));
    await furrow.run(trained);
    worker.shutdown();
    await worker.done;
    expect(cachedOf(await furrow.run(trained))).toEqual({ first: true, second: true, third: true });
  });
});

describe('a source', () => {
  it('is asked each time, and noticed when it changed', async () => {
    const folder = join(furrow.folder, 'plots');
    mkdirSync(folder);
    writeFileSync(join(folder, 'a.tif'), 'one');
    const yaml = `
name: source
store: stores/source
stages: { data: { uses: fetchData, with: { source: 'file:plots' } } }
`;
    const first = await furrow.run(yaml);
    expect(cachedOf(await furrow.run(yaml))).toEqual({ data: true });
    writeFileSync(join(folder, 'a.tif'), 'two');
    const changed = await furrow.run(yaml);
    expect(cachedOf(changed)).toEqual({ data: false });
    writeFileSync(join(folder, 'a.tif'), 'one');
    const back = await furrow.run(yaml);
    expect(cachedOf(back)).toEqual({ data: true });
    expect(back.stages.data?.artifact.digest).toBe(first.stages.data?.artifact.digest);
  });
});

describe('a finished stage whose blob', () => {
  it('is gone runs again, and nothing else', async () => {
    const made = await furrow.run(chain('gone'));
    rmSync(await fileOfBlob('gone', made, 'second'));
    const again = await furrow.run(chain('gone'));
    expect(cachedOf(again)).toEqual({ first: true, second: false, third: true });
    expect(cachedOf(await furrow.run(chain('gone')))).toEqual({ first: true, second: true, third: true });
  });

  it('is corrupt has it set aside by its reader, and made again by the next run', async () => {
    const yaml = chain('corrupt').replace('third: { uses: count', 'third: { uses: reads');
    const made = await furrow.run(yaml);
    writeFileSync(await fileOfBlob('corrupt', made, 'second'), 'B');
    await expect(furrow.run(yaml, { refresh: ['third'] })).rejects.toMatchObject({
      cause: { type: 'BLOB_CORRUPT', details: [{ stage: 'third' }] },
    });
    const again = await furrow.run(yaml, { refresh: ['third'] });
    expect(cachedOf(again)).toEqual({ first: true, second: false, third: false });
    expect(again.stages.third?.artifact.digest).toBe(made.stages.third?.artifact.digest);
  });
});

describe('two runs of one pipeline at once', () => {
  it('end with one result, whoever was first', async () => {
    let arrived = 0;
    let open = () => {};
    const both = new Promise<void>((resolve) => {
      open = resolve;
    });
    atProbe = async (label) => {
      if (label !== 'b') return;
      arrived++;
      if (arrived === 2) open();
      await both;
    };
    const [one, two] = await Promise.all([furrow.run(chain('race')), furrow.run(chain('race'))]);
    expect(ran.filter((label) => label === 'b')).toHaveLength(2);
    expect(one.stages.second?.artifact).toEqual(two.stages.second?.artifact);
    expect(await (await storeAt('race')).driver.listPointers('manifests/')).toHaveLength(3);
    expect([one.stages.second?.cached, two.stages.second?.cached].sort()).toEqual([false, true]);
  });
});

describe('a stage that fails for good', () => {
  const yaml = `
name: fork
store: stores/fork
stages:
  root: { uses: count, with: { label: root } }
  bad: { uses: count, needs: [root], with: { label: bad } }
  after: { uses: count, needs: [bad], with: { label: after } }
  last: { uses: count, needs: [after, good], with: { label: last } }
  good: { uses: count, needs: [root], with: { label: good } }
  better: { uses: count, needs: [good], with: { label: better } }
`;

  it('fails the run with its code and name, after every branch that does not need it; a re-run does what is left', async () => {
    atProbe = (label) => {
      if (label === 'bad') throw new FurrowError('DATA_BAD_INPUT', 'three plots have no red edge');
    };
    const handle = await furrow.start(yaml);
    await expect(handle.result()).rejects.toMatchObject({
      cause: {
        type: 'DATA_BAD_INPUT',
        message: 'bad: three plots have no red edge',
        details: [{ stage: 'bad', code: 'DATA_BAD_INPUT' }],
      },
    });
    const record = await furrow.progress(handle);
    expect(record.status).toBe('failed');
    expect(record.failure).toMatchObject({ stage: 'bad', code: 'DATA_BAD_INPUT' });
    expect(Object.fromEntries(record.stages.map(({ name, status }) => [name, status]))).toEqual({
      root: 'finished',
      bad: 'failed',
      good: 'finished',
      better: 'finished',
      after: 'skipped',
      last: 'skipped',
    });
    expect(ran.filter((label) => label === 'bad')).toHaveLength(1);

    atProbe = () => {};
    ran.length = 0;
    const rerun = await furrow.run(yaml);
    expect(ran).toEqual(['bad', 'after', 'last']);
    expect(cachedOf(rerun)).toMatchObject({ root: true, good: true, better: true, bad: false });
  });
});

describe('a run that is cancelled after a stage has failed', () => {
  it('ends as cancelled, and says which stage failed', async () => {
    atProbe = () => {
      throw new FurrowError('DATA_BAD_INPUT', 'no red edge');
    };
    const handle = await furrow.start(`
name: both
store: stores/both
stages: { bad: { uses: count }, slow: { uses: pass, with: { seconds: 600 } }, after: { uses: pass, needs: [slow] } }
`);
    await furrow.until(handle, ({ stages: [bad, slow] }) => bad?.status === 'failed' && slow?.status === 'running');
    await handle.cancel();
    await expect(handle.result()).rejects.toMatchObject({ cause: expect.any(CancelledFailure) });
    expect((await handle.describe()).status.name).toBe('CANCELLED');
    const record = await furrow.progress(handle);
    expect(record.status).toBe('cancelled');
    expect(record.stages.map(({ status }) => status)).toMatchObject(['failed', 'cancelled', expect.any(String)]);
    const saved = await readRunRecord(await storeAt('both'), record.run.workflowId, record.run.runId);
    expect(saved?.status).toBe('cancelled');
    expect(saved?.stages.map(({ status }) => status)).toEqual(record.stages.map(({ status }) => status));
  });
});

describe('a result of another runtime class', () => {
  const yaml = (strict: boolean) => `
name: strict
store: stores/strict
strictRuntime: ${strict}
stages:
  data: { uses: fetchData, with: { source: 'synthetic:plots?train=12&test=4&height=40&width=26' } }
  features: { uses: preprocess, needs: [data], with: { bands: [green, red, red_edge, nir], target: filename, size: [40, 26] } }
  ridge: { uses: train, needs: [features], with: { model: ridge } }
`;

  it('is taken, unless the pipeline is strict: then it is refused, never made again in silence', async () => {
    const handle = await furrow.start(yaml(false));
    await handle.result();
    expect(cachedOf(await furrow.run(yaml(true)))).toEqual({ data: true, features: true, ridge: true });
    const { driver } = await storeAt('strict');
    const name = manifestName((await furrow.progress(handle)).stages[2]?.key as Digest);
    const manifest = await driver.readPointer(name);
    const elsewhere = manifest?.text.replace(/"instructions":"[^"]*"/, '"instructions":"another"') as string;
    await driver.swapPointer(name, elsewhere, manifest?.version);

    expect(cachedOf(await furrow.run(yaml(false)))).toMatchObject({ ridge: true });
    await expect(furrow.run(yaml(true))).rejects.toMatchObject({ cause: { type: 'RUNTIME_CLASS_CHANGED' } });
  });
});

function cachedOf(result: TrainPipelineResult): Record<string, boolean> {
  return Object.fromEntries(Object.entries(result.stages).map(([name, { cached }]) => [name, cached]));
}

/** Where the one file of a probe's output lies. */
async function fileOfBlob(store: string, made: TrainPipelineResult, stage: string): Promise<string> {
  const opened = await storeAt(store);
  const [file] = await openArtifact(opened, made.stages[stage]?.artifact as ArtifactRef).files();
  return join(furrow.folder, 'stores', store, blobName(file?.digest as Digest));
}

function storeAt(name: string): Promise<Store> {
  return openStore(pathToFileURL(join(furrow.folder, 'stores', name)).href, { create: false });
}
