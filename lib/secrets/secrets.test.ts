// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is how a pipeline file names a secret
import { describe, expect, it } from 'vitest';
import { environmentSecrets, resolveSecrets, secretsIn } from './secrets.ts';

const env = {
  API_KEY: 'key-123456',
  PLAIN: 'plain-secret',
  SHORT_KEY: 'abc',
  LONG_TOKEN: 'key-123456-and-more',
  PWD: '/some/folder',
};

describe('secrets', () => {
  it('of the environment are known by their names, the longest first; short ones and the folder are words', () => {
    expect(environmentSecrets(env)).toEqual(['key-123456-and-more', 'key-123456']);
  });

  it('are put in where they are named, however deep, several in one text', () => {
    const params = { url: 'https://${secret:PLAIN}:${secret:API_KEY}@host', list: [{ x: '${secret:PLAIN}' }], n: 1 };
    expect(resolveSecrets(params, env)).toEqual({
      url: 'https://plain-secret:key-123456@host',
      list: [{ x: 'plain-secret' }],
      n: 1,
    });
    expect(secretsIn(params, env)).toEqual(['plain-secret', 'key-123456', 'plain-secret']);
  });

  it('leave what they were named in as it was', () => {
    const params = { x: '${secret:PLAIN}' };
    resolveSecrets(params, env);
    expect(params).toEqual({ x: '${secret:PLAIN}' });
  });

  it('are not looked for in what a secret holds', () => {
    expect(resolveSecrets({ x: '${secret:A}' }, { A: '${secret:B}', B: 'no' })).toEqual({ x: '${secret:B}' });
    expect(resolveSecrets({ x: '${secret:A}' }, { A: "$& $1 $'" })).toEqual({ x: "$& $1 $'" });
  });

  it('that are not set are named, not guessed', () => {
    expect(() => resolveSecrets({ x: '${secret:ABSENT}' }, env)).toThrow(
      expect.objectContaining({ code: 'SECRET_MISSING', details: { name: 'ABSENT' } }),
    );
  });
});
