import { describe, expect, it } from 'vitest';
import { longestMessage, looksSecret, redact, redacted, redactJson } from './redact.ts';

describe('redact', () => {
  it('takes known secrets out as they are, and as addresses and JSON write them', () => {
    const secret = 'p"w/with odd%';
    for (const text of [secret, encodeURIComponent(secret), JSON.stringify({ said: secret })])
      expect(redact(`before ${text} after`, [secret])).not.toMatch(/odd/);
    expect(redact(`before ${secret} after`, [secret])).toBe(`before ${redacted} after`);
  });

  it('leaves no part of a secret that holds another', () => {
    expect(redact('abcdef-123456', ['abcdef', 'abcdef-123456'])).toBe(redacted);
  });

  it.each([
    ['a bearer token', 'Authorization: Bearer abcdefgh.12345678', 'abcdefgh'],
    ['a password in an address', 'https://user:hunter22@host/path', 'hunter22'],
    ['a variable', 'WANDB_API_KEY=0123456789abcdef', '0123456789'],
    ['a member', '{"api_key": "0123456789abcdef"}', '0123456789'],
    ['a GitHub token', `ghp_${'a'.repeat(36)}`, 'aaaa'],
    ['a Google key', `AIza${'b'.repeat(35)}`, 'bbbb'],
    ['an AWS key', 'AKIAABCDEFGHIJKLMNOP', 'ABCDEFGH'],
    ['a JSON web token', 'eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.SflKxwRJSMeK', 'SflKx'],
    ['a private key', '-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----', 'MIIEow'],
    ['half a private key', '-----BEGIN PRIVATE KEY-----\nMIIEow', 'MIIEow'],
  ])('takes %s out that nobody has named', (_, text, secret) => {
    expect(redact(text)).toContain(redacted);
    expect(redact(text)).not.toContain(secret);
  });

  it.each([
    'The source `file:data/plots` has no folder',
    'sha256:0123456789abcdef is missing',
    'epoch 3/20, val_mae 18.25',
    'secret NAME is not set on this worker',
    'https://host:8080/path?x=1',
  ])('leaves %j as it is', (text) => {
    expect(redact(text)).toBe(text);
  });

  it('cuts what is long, and says how much', () => {
    const cut = redact('x'.repeat(10_000));
    expect(cut.length).toBeLessThanOrEqual(longestMessage);
    expect(cut).toMatch(/\(\d+ more characters cut\)$/);
  });
});

describe('redactJson', () => {
  it('cleans every text, however deep, and keeps the shape', () => {
    const value = { list: ['a secret-1 b', { deep: 'secret-1' }], number: 1, none: null, flag: true };
    expect(redactJson(value, ['secret-1'])).toEqual({
      list: [`a ${redacted} b`, { deep: redacted }],
      number: 1,
      none: null,
      flag: true,
    });
  });

  it('knows a password by the name of its member, and leaves numbers alone', () => {
    const cleaned = redactJson({ password: 'hunter22', token: 123_456_789, plot: 'hunter22' });
    expect(cleaned).toEqual({ password: redacted, token: 123_456_789, plot: 'hunter22' });
  });

  it('stays JSON when a text is long', () => {
    const cleaned = redactJson({ said: 'x'.repeat(10_000), after: 1 });
    expect(JSON.parse(JSON.stringify(cleaned))).toMatchObject({ after: 1 });
  });
});

describe('names of variables', () => {
  it.each([
    'WANDB_API_KEY',
    'MY_TOKEN',
    'DB_PASSWORD',
    'GITHUB_PAT',
    'SECRET',
    'aws_secret_access_key',
    'KEY_1',
    'X_PASS',
  ])('%s look like secrets', (name) => expect(looksSecret(name)).toBe(true));

  it.each(['PATH', 'HOME', 'PWD', 'OLDPWD', 'MONKEY', 'TF_NUM_INTRAOP_THREADS', 'COMPASS', 'AUTHOR'])(
    '%s do not',
    (name) => expect(looksSecret(name)).toBe(false),
  );
});

describe('a long text', () => {
  const secret = 'SuperSecretValue0123456789abcdef';

  it.each([11_990, 12_000, 19_990, 20_000])(
    'shows no part of a secret at character %i, even where much was taken out before it',
    (at) => {
      const key = `-----BEGIN PRIVATE KEY-----${'x'.repeat(9000)}-----END PRIVATE KEY-----`;
      const text = `${key}${' pad'.repeat(5000)}`.slice(0, at) + secret + ' tail'.repeat(3000);
      const shown = redact(text, [secret]);
      expect(shown).not.toContain('SuperSecret');
      expect(shown).toMatch(/more characters cut\)$/);
      expect(shown.length).toBeLessThanOrEqual(longestMessage);
    },
  );

  it('knows a password behind aligned columns', () => {
    expect(redact('password:                hunter22hunter')).not.toContain('hunter');
  });
});
