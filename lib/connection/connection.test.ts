import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { writeUpState } from '../home/home.ts';
import { findTemporalTarget, runPage } from './connection.ts';

const folder = mkdtempSync(join(tmpdir(), 'furrow-connection-'));
afterAll(() => rmSync(folder, { recursive: true }));

const profile = join(folder, 'temporal.toml');
writeFileSync(
  profile,
  '[profile.default]\naddress = "cluster.example:7233"\nnamespace = "team"\napi_key = "sk-planted"\n',
);
const withProfile = { TEMPORAL_CONFIG_FILE: profile };

it('takes the address of the environment before all else', async () => {
  const target = await findTemporalTarget(up(), { TEMPORAL_ADDRESS: '127.0.0.1:1', TEMPORAL_NAMESPACE: 'own' });
  expect(target).toMatchObject({ address: '127.0.0.1:1', namespace: 'own', from: 'environment' });
});

it('takes what is up here before a profile, and nothing of the profile with it', async () => {
  const target = await findTemporalTarget(up(), withProfile);
  expect(target).toEqual({
    address: '127.0.0.1:7233',
    namespace: 'default',
    ui: 'http://127.0.0.1:8233',
    from: 'furrow up',
  });
});

it("takes the CLI's profile where nothing is up", async () => {
  const target = await findTemporalTarget(join(folder, 'nothing-up'), withProfile);
  expect(target).toMatchObject({ address: 'cluster.example:7233', namespace: 'team', from: 'profile' });
});

it('knows none where there is none', async () => {
  expect(await findTemporalTarget(join(folder, 'nothing-up'), { XDG_CONFIG_HOME: folder })).toBeUndefined();
});

it('names the page of a run whatever its id holds', () => {
  expect(runPage('http://ui', 'default', 'a/b c', 'r')).toBe('http://ui/namespaces/default/workflows/a%2Fb%20c/r');
});

function up(): string {
  const home = join(folder, 'up');
  mkdirSync(home, { recursive: true });
  writeUpState(home, {
    pid: process.pid,
    phase: 'ready',
    address: '127.0.0.1:7233',
    namespace: 'default',
    ui: 'http://127.0.0.1:8233',
    serverPid: process.pid,
    startedAt: new Date().toISOString(),
  });
  return home;
}
