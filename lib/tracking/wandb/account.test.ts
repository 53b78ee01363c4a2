import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findAccount, runPage } from './account.ts';
import { decideTracking } from './mode.ts';

let HOME: string;
beforeEach(async () => {
  HOME = await mkdtemp(join(tmpdir(), 'furrow-account-'));
});
afterEach(() => rm(HOME, { recursive: true, force: true }));
const netrc = (text: string) => writeFile(join(HOME, '.netrc'), text);

describe('the key', () => {
  it('is that of the environment before any other', async () => {
    await netrc('machine api.wandb.ai login user password fromfile');
    expect(await findAccount({ HOME, WANDB_API_KEY: ' fromenv ' })).toEqual({
      url: 'https://api.wandb.ai',
      key: 'fromenv',
      from: 'WANDB_API_KEY',
    });
  });

  it.each([
    ['as `wandb login` writes it', 'machine api.wandb.ai\n  login user\n  password abc\n', 'abc'],
    [
      'on one line, behind others',
      'machine github.com login a password b\nmachine api.wandb.ai login user password abc',
      'abc',
    ],
    [
      'behind a comment and a macro',
      '# machine api.wandb.ai password no\nmacdef init\nmachine api.wandb.ai password no\n\nmachine api.wandb.ai password abc',
      'abc',
    ],
    ['of the default entry', 'machine github.com password b\ndefault login user password abc', 'abc'],
    ['not of another machine', 'machine github.com login a password b\n', undefined],
    ['not of a machine without one', 'machine api.wandb.ai login user\nmachine github.com password b', undefined],
    ['not of an empty file', '', undefined],
  ])('is read from the netrc file: %s', async (_, text, key) => {
    await netrc(text);
    expect((await findAccount({ HOME }))?.key).toBe(key);
  });

  it('is that of the server which WANDB_BASE_URL names', async () => {
    await netrc('machine api.wandb.ai login user password hosted\nmachine wandb.field-lab.org login user password own');
    expect(await findAccount({ HOME, WANDB_BASE_URL: 'https://wandb.field-lab.org/' })).toEqual({
      url: 'https://wandb.field-lab.org',
      key: 'own',
      from: join(HOME, '.netrc'),
    });
  });

  it('may be in the file that NETRC names', async () => {
    await writeFile(join(HOME, 'other'), 'machine api.wandb.ai login user password abc');
    expect((await findAccount({ HOME, NETRC: join(HOME, 'other') }))?.key).toBe('abc');
  });
});

describe('what a mode comes to', () => {
  const settings = { project: 'p', tags: [] };
  const modeOf = async (mode: 'auto' | 'online' | 'offline' | 'disabled', env: NodeJS.ProcessEnv) => {
    const { mode: decided, notice } = await decideTracking({ ...settings, mode }, { HOME, ...env });
    return [decided, notice?.includes('key') ?? false];
  };
  const key = { WANDB_API_KEY: 'abc' };

  it.each([
    ['auto', key, 'online', false],
    ['auto', {}, 'disabled', true],
    ['auto', { ...key, WANDB_MODE: 'offline' }, 'offline', false],
    ['auto', { ...key, WANDB_MODE: 'disabled' }, 'disabled', false],
    ['auto', { ...key, WANDB_MODE: 'nonsense' }, 'online', false],
    ['online', {}, 'online', true],
    ['online', { ...key, WANDB_MODE: 'disabled' }, 'online', false],
    ['offline', {}, 'offline', false],
    ['disabled', key, 'disabled', false],
  ] as const)('%s with %o is %s; says something: %s', async (mode, env, decided, says) => {
    expect(await modeOf(mode, env)).toEqual([decided, says]);
  });
});

describe('the page of a run', () => {
  it('is that of the app, not of the API', () => {
    expect(runPage('https://api.wandb.ai', 'field lab', 'nitrogen', 'abc')).toBe(
      'https://wandb.ai/field%20lab/nitrogen/runs/abc',
    );
    expect(runPage('https://wandb.lab.org', 'e', 'p', 'abc')).toBe('https://wandb.lab.org/e/p/runs/abc');
  });
});
