import { cpSync } from 'node:fs';
import { join } from 'node:path';
import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TrainPipelineInput } from '../contract/messages.ts';
import { type TestFurrow, testFurrow } from './harness/furrow.ts';
import { historyJson, payloadsOf, temporal } from './harness/history.ts';

let furrow: TestFurrow;

beforeAll(async () => {
  furrow = await testFurrow();
  cpSync(join(import.meta.dirname, 'configs'), join(furrow.folder, 'configs'), { recursive: true });
  await furrow.work();
});
afterAll(() => furrow?.close());

describe('a run is started', () => {
  it.each(['configs/small.yaml', 'small.yaml'])("by a path in the worker's configs folder: %s", async (path) => {
    const result = await (await furrow.startWith(path)).result();
    expect(result).toMatchObject({ pipeline: 'small', status: 'finished', stages: { first: {}, second: {} } });
  });

  it('by a path and overrides', async () => {
    const handle = await furrow.startWith({
      config: 'configs/small.yaml',
      set: { 'stages.first.with.label': 'set', seed: 9 },
    });
    await handle.result();
    expect((await furrow.progress(handle)).seed).toBe(9);
  });

  it('by nothing: the nitrogen pipeline of the base folder', async () => {
    cpSync(join(furrow.folder, 'configs/small.yaml'), join(furrow.folder, 'configs/nitrogen.yaml'));
    expect(await (await furrow.startWith(undefined)).result()).toMatchObject({ pipeline: 'small' });
  });

  it("by Temporal's own command", async () => {
    const started = JSON.parse(
      temporal(
        furrow,
        ...['workflow', 'start', '--type', 'trainPipeline', '--task-queue', 'furrow'],
        ...['--input', '"configs/small.yaml"', '--workflow-id', 'by-the-cli'],
      ),
    );
    expect(started.workflowId).toBe('by-the-cli');
    expect(await furrow.client.workflow.getHandle('by-the-cli').result()).toMatchObject({ status: 'finished' });
  });
});

describe('a run fails at once, and says why, when', () => {
  const bad: [string, TrainPipelineInput, string, RegExp][] = [
    ['the path leaves the configs folder', '../outside.yaml', 'CONFIG_NOT_FOUND', /outside the worker's configs/],
    ['the path leaves it on the way', 'configs/../../outside.yaml', 'CONFIG_NOT_FOUND', /outside/],
    ['the path is absolute', '/etc/passwd', 'CONFIG_NOT_FOUND', /outside/],
    ['there is no such file', 'configs/absent.yaml', 'CONFIG_NOT_FOUND', /absent\.yaml/],
    ['the input is a number', 7 as never, 'CONFIG_INVALID', /Expected a path/],
    ['the input is a list', ['configs/small.yaml'] as never, 'CONFIG_INVALID', /Expected a path/],
    ['the path is empty', '', 'CONFIG_NOT_FOUND', /./],
    ['the request has an unknown key', { confg: 'configs/small.yaml' } as never, 'CONFIG_INVALID', /confg/],
    ['the request asks for what there is not', { onFailure: 'ask' } as never, 'CONFIG_INVALID', /onFailure/],
    ['config is no path and no content', { config: 5 } as never, 'CONFIG_INVALID', /config/],
    ['the content has no text', { config: { file: 'x.yaml' } } as never, 'CONFIG_INVALID', /{file, text, baseFolder}/],
    ['set names nothing', { config: 'small.yaml', set: { 'stages.frist.with.label': 'x' } }, 'CONFIG_INVALID', /frist/],
  ];
  it.each(bad)('%s', async (_, input, code, message) => {
    const handle = await furrow.startWith(input);
    await expect(handle.result()).rejects.toMatchObject({
      cause: { type: code, message: expect.stringMatching(message) },
    });
    expect((await furrow.progress(handle)).status).toBe('failed');
    expect((await handle.describe()).status.name).toBe('FAILED');
  });

  it('the config has problems: all of them, each with its place', async () => {
    const yaml = `
name: Bad Name
stages:
  data: { uses: fetchDta }
  a: { uses: pass, needs: [b], with: { lable: x } }
  b: { uses: pass, needs: [a] }
`;
    const failure = await failureOf(await furrow.start(yaml));
    expect(failure.type).toBe('CONFIG_INVALID');
    for (const expected of ['test.yaml:2', 'test.yaml:4', 'test.yaml:5', 'fetchData', 'label'])
      expect(failure.message).toContain(expected);
  });

  it.each([
    ['store', 'store: s3://bucket/prefix'],
    ['s3:', 'stages: { data: { uses: fetchData, with: { source: "s3://bucket/plots" } } }'],
  ])('the config asks for what is not built yet: %s', async (word, line) => {
    const rest = line.startsWith('stages') ? '' : 'stages: { only: { uses: pass } }';
    const failure = await failureOf(await furrow.start(`name: later\n${line}\n${rest}\n`));
    expect(failure.type).toBe('CONFIG_INVALID');
    expect(failure.message).toContain(word);
  });
});

describe('the Temporal UI shows', () => {
  let handle: WorkflowHandle;
  beforeAll(async () => {
    handle = await furrow.start(`
name: shown
description: What the page of a run says
store: stores/shown
stages:
  data: { uses: fetchData, with: { source: 'synthetic:plots?train=12&test=4&height=40&width=26' } }
  features: { uses: preprocess, needs: [data], with: { bands: [green, red, red_edge, nir], target: filename, size: [40, 26] } }
  ridge: { uses: train, needs: [features], with: { model: ridge } }
  evaluate: { uses: evaluate, needs: [features, ridge], with: { metric: mae } }
  register: { uses: registerModel, needs: [evaluate], with: { model: shown } }
`);
    await handle.result();
  });

  it('stages and metrics as the current details', async () => {
    const { currentDetails } = await handle.query<{ currentDetails?: string }, []>('__temporal_workflow_metadata');
    expect(currentDetails).toMatch(/\| data \| ✔/);
    expect(currentDetails).toMatch(/\| ridge \|.*val_mae/);
    expect(currentDetails).toMatch(/test_mae/);
  });

  it('what runs are searched by, and known by', async () => {
    const { typedSearchAttributes, memo } = await handle.describe();
    const found = Object.fromEntries([...typedSearchAttributes.getAll()].map(({ key, value }) => [key.name, value]));
    expect(found).toMatchObject({
      FurrowPipeline: 'shown',
      FurrowStatus: 'finished',
      FurrowDataset: expect.stringMatching(/^[0-9a-f]{12}$/),
      FurrowModel: 'shown:1',
      FurrowCode: expect.stringMatching(/^[0-9a-f]{12}$/),
      FurrowMetric: expect.any(Number),
    });
    expect(memo).toMatchObject({ pipeline: 'shown', description: 'What the page of a run says', seed: 0 });
    const listed = furrow.client.workflow.list({ query: "FurrowModel = 'shown:1' AND FurrowMetric > 0" });
    const ids: string[] = [];
    for await (const { workflowId } of listed) ids.push(workflowId);
    expect(ids).toEqual([handle.workflowId]);
  });

  it('a summary of each activity, by the name of its stage', () => {
    const events = JSON.parse(historyJson(furrow, handle)).events as {
      userMetadata?: { summary?: { data: string } };
      activityTaskScheduledEventAttributes?: { activityId: string };
    }[];
    const summaries = events.flatMap(({ activityTaskScheduledEventAttributes: activity, userMetadata }) =>
      activity ? [[activity.activityId, Buffer.from(userMetadata?.summary?.data ?? '', 'base64').toString()]] : [],
    );
    expect(Object.fromEntries(summaries)).toMatchObject({
      'data.resolve#1': expect.stringContaining('data'),
      'data#1': expect.stringContaining('data (fetchData)'),
      'ridge#1': expect.stringContaining('ridge (train)'),
    });
  });

  it('references and facts, nothing long: under 100 KB, no list as long as the data', () => {
    const history = historyJson(furrow, handle);
    expect(JSON.stringify(JSON.parse(history)).length).toBeLessThan(100_000);
    for (const payload of payloadsOf(history)) {
      expect(payload.length, payload.slice(0, 200)).toBeLessThan(8000);
      expect(payload).not.toMatch(/Nitrogen_[A-Z]\d+_/);
    }
  });
});

async function failureOf(handle: WorkflowHandle): Promise<{ type: string; message: string }> {
  const error: unknown = await handle.result().catch((thrown: unknown) => thrown);
  return (error as { cause: { type: string; message: string } }).cause;
}
