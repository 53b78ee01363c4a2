import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunRecord } from '../contract/messages.ts';
import { startWandbServer, type WandbServer, wandbKey } from '../lib/tracking/testing/wandb/server.ts';
import { pipelineId } from '../lib/tracking/trackedRuns.ts';
import { type Project, project } from './harness/command.ts';
import { until } from './harness/until.ts';

let server: WandbServer;
let here: Project;

const small = `
name: small
stages:
  data: { uses: fetchData, with: { source: 'synthetic:plots?train=12&test=8&height=40&width=26' } }
  features: { uses: preprocess, needs: [data], with: { bands: [green, red, red_edge, nir], target: filename, size: [40, 26] } }
  ridge: { uses: train, needs: [features], with: { model: ridge } }
`;

beforeAll(async () => {
  server = await startWandbServer();
  here = project(undefined, { WANDB_API_KEY: wandbKey, WANDB_BASE_URL: server.url, WANDB_MODE: 'online' });
  here.write('tracked.yaml', `${small}tracking: { wandb: { project: field } }\n`);
  // Parameters of its own: found as another run's, its training would be that one's at W&B.
  here.write('untracked.yaml', small.replace('small', 'untracked').replace('model: ridge', 'model: ridge, lambda: 3'));
  here.write('off.yaml', `${small.replace('small', 'off')}tracking: { wandb: { mode: disabled } }\n`);
  await here.furrow('up', '--detach');
});
afterAll(async () => {
  await here?.close();
  await server?.close();
});

const shown = async (run: string) => (await here.furrow('show', run)).stdout;
const upserts = () => server.requests.filter(({ kind }) => kind === 'upsert').length;

describe('a tracked run', () => {
  it('says where it is shown', async () => {
    const { code, stdout } = await here.furrow('run', 'tracked.yaml', '--id', 'tracked-1');
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^W&B: (being sent; `furrow show tracked-1`|http)/m)]);
    const { run } = await here.json<RunRecord>('show', 'tracked-1');
    const address = `W&B: ${server.url}/field-lab/field/runs/${pipelineId(run)}`;
    await until('it is all there', async () => (await shown('tracked-1')).includes(address));
    expect(await here.json('show', 'tracked-1')).toMatchObject({ wandb: address });
    expect(server.run(pipelineId(run)).state).toBe('finished');
  });

  it('says why it is not there yet, and how to send it, and is sent by hand', async () => {
    await server.goAway();
    expect(await here.furrow('run', 'tracked.yaml', '--id', 'tracked-2', '--refresh', 'ridge')).toMatchObject({
      code: 0,
    });
    const why =
      'W&B: not all there yet: W&B cannot be reached (ECONNREFUSED); `furrow tracking sync tracked-2` sends it from here';
    await until('it says so', async () => (await shown('tracked-2')).includes(why));
    await server.comeBack();
    const { code, stdout, stderr } = await here.furrow('tracking', 'sync', 'tracked-2');
    expect(code, stderr).toBe(0);
    expect(stdout).toContain(`tracked-2/ridge: ${server.url}/field-lab/field/runs/`);
    await until('the run knows', async () => /W&B: http\S+/.test(await shown('tracked-2')), 60);
    expect(server.violations.join('\n')).toBe('');
  });
});

describe('furrow tracking sync', () => {
  it('shows a run that was never tracked, once', async () => {
    await here.furrow('run', 'untracked.yaml', '--id', 'untracked-1');
    expect(await shown('untracked-1')).not.toContain('W&B');
    const answer = await here.json<{ synced: { run: string; shown: object }[] }>(
      'tracking',
      'sync',
      '--project',
      'later',
    );
    expect(answer.synced).toMatchObject([{ run: 'untracked-1' }]);
    expect(Object.keys(answer.synced[0]?.shown ?? {})).toEqual(['untracked-1/ridge', 'untracked-1']);
    const before = upserts();
    expect(await here.json('tracking', 'sync', '--project', 'later')).toEqual(answer);
    expect(upserts()).toBe(before);
  });

  it('sends every run of the store', async () => {
    await here.furrow('run', 'off.yaml', '--id', 'off-1');
    expect(await shown('off-1')).not.toContain('W&B');
    const { synced } = await here.json<{ synced: { run: string }[] }>('tracking', 'sync', '--all');
    expect(synced.map(({ run }) => run).sort()).toEqual(['off-1', 'tracked-1', 'tracked-2', 'untracked-1']);
    expect(server.violations.join('\n')).toBe('');
  });

  it('says what is missing', async () => {
    expect(await here.furrow('tracking', 'sync', 'no-such-run')).toMatchObject({ code: 1 });
    expect(await here.furrow('tracking', 'sync', 'off-1', '--all')).toMatchObject({ code: 2 });
    const without = project(undefined, { HOME: here.folder, WANDB_API_KEY: '', NETRC: '' });
    const { code, stderr } = await without.furrow('tracking', 'sync');
    expect(code).toBe(1);
    expect(stderr).toContain('There is no key for W&B: set WANDB_API_KEY, or run `wandb login`');
    await without.close();
  });
});
