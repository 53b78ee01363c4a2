import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startWandbServer, type WandbServer, wandbKey } from './server.ts';

let server: WandbServer;
beforeEach(async () => {
  server = await startWandbServer();
  const upsert = 'mutation Open { upsertBucket(input: { name: "run1", modelName: "nitrogen" }) { inserted } }';
  await post('/graphql', { query: upsert, operationName: 'Open' });
});
afterEach(() => server.close());

const headers = {
  authorization: `Basic ${Buffer.from(`api:${wandbKey}`).toString('base64')}`,
  'content-type': 'application/json',
};

async function post(path: string, body: object, more: Readonly<Record<string, string>> = {}): Promise<number> {
  const text = JSON.stringify(body);
  const packed = more['content-encoding'] === 'gzip' ? new Uint8Array(gzipSync(text)) : text;
  const answer = await fetch(server.url + path, { method: 'POST', headers: { ...headers, ...more }, body: packed });
  await answer.text();
  return answer.status;
}

const stream = (body: object, more?: Readonly<Record<string, string>>) =>
  post('/files/field-lab/nitrogen/run1/file_stream', body, more);
const line = (step: number) => JSON.stringify({ _step: step, _timestamp: 1.5, _runtime: 0.5, loss: 1 });
const history = (offset: number, ...content: readonly string[]) => ({
  files: { 'wandb-history.jsonl': { offset, content } },
});
const wandbCore = { 'user-agent': 'wandb-core' };

describe('the local W&B server', () => {
  it.each([
    ['a gap', history(2, line(2)), 'a gap: row 2 after 1 rows'],
    ['another row in the place of one', history(0, line(7)), 'row 0 came again as another'],
    ['a row without its times', history(1, '{"_step":1}'), 'row 1 has no _timestamp'],
    ['a field that nobody sends', { content: [] }, 'unknown field content'],
    ['an upload that did not come', { uploaded: ['config.yaml'] }, 'config.yaml is said to be uploaded'],
    ['a measure of the machine without its times', events('{"system.cpu":1}'), 'wandb-events.jsonl has no _timestamp'],
  ])('refuses %s, of any client, and remembers it', async (_, body, violation) => {
    await stream(history(0, line(0)));
    for (const client of [{}, wandbCore]) expect(await stream(body, client)).toBe(400);
    expect(server.violations).toEqual([expect.stringContaining(violation), expect.stringContaining(violation)]);
    expect(server.run('run1').rows()).toHaveLength(1);
  });

  it('takes steps that start again of the official client alone', async () => {
    await stream(history(0, line(0), line(1)));
    expect(await stream(history(2, line(0)))).toBe(400);
    expect(server.violations).toEqual(['row 2 has step 0 after 1']);
    expect(await stream(history(2, line(0)), wandbCore)).toBe(200);
    expect(server.run('run1').rowsOfEarlierSteps).toBe(1);
  });

  it('refuses what is packed where it has not said that it unpacks it', async () => {
    const packed = { 'content-encoding': 'gzip' };
    expect(await stream(history(0, line(0)), packed)).toBe(400);
    expect(server.violations).toEqual(['gzip was not offered']);
  });

  it('takes an upload with the headers that it gave out, and never the key', async () => {
    const place = `${server.url}/storage/field-lab/nitrogen/run1?file=config.yaml`;
    const put = async (given: Readonly<Record<string, string>>) =>
      (await fetch(place, { method: 'PUT', headers: given, body: 'lr: {}' })).status;
    expect(await put({})).toBe(400);
    expect(await put({ ...headers, 'x-upload': 'signed' })).toBe(400);
    expect(await put({ 'x-upload': 'signed' })).toBe(200);
    expect(server.violations).toEqual([
      'the upload has none of the headers it was given',
      'the API key was sent to the storage',
    ]);
    expect(await stream({ uploaded: ['config.yaml'] })).toBe(200);
  });

  it('remembers a query for what W&B has not', async () => {
    await post('/graphql', { query: '{ viewer { password } }' });
    expect(server.violations).toEqual([expect.stringContaining('Cannot query field "password"')]);
  });
});

function events(...content: readonly string[]) {
  return { files: { 'wandb-events.jsonl': { offset: 0, content } } };
}
