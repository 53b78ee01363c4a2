import { type ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { FurrowError, failures } from '../../contract/errors.ts';
import { toFailure, traceOf } from './failure.ts';

describe('the failure of an attempt', () => {
  it.each(Object.keys(failures) as (keyof typeof failures)[])('%s is retryable or not as the table says', (code) => {
    const failure = toFailure(new FurrowError(code, 'what happened'), []) as ApplicationFailure;
    expect(failure).toMatchObject({
      type: code,
      message: 'what happened',
      nonRetryable: failures[code].retry === 'never',
    });
    expect(failure.details?.[0]).toMatchObject({ code, action: failures[code].action });
  });

  it('names the checkpoint that was reached', () => {
    const failure = toFailure(new FurrowError('CHILD_CRASHED', 'x'), [], { checkpointStep: 40 }) as ApplicationFailure;
    expect(failure.details?.[0]).toMatchObject({ checkpointStep: 40 });
  });

  it.each(['ENOSPC', 'EDQUOT'])('is a full disk when the system said %s', (code) => {
    expect(toFailure(Object.assign(new Error('write'), { code }), [])).toMatchObject({ type: 'STORE_FULL' });
  });

  it('is our fault otherwise, with the name of the error and its cause', () => {
    const error = new TypeError('x is not a function', { cause: new Error('deeper') });
    expect(toFailure(error, [])).toMatchObject({
      type: 'INTERNAL',
      message: 'TypeError: x is not a function (deeper)',
    });
    expect(toFailure('a text', [])).toMatchObject({ type: 'INTERNAL', message: 'a text' });
  });

  it('holds no secret: not in the message, its cause, or the details', () => {
    const error = new FurrowError('SOURCE_NOT_FOUND', 'at secret-77', {
      cause: new Error('because of secret-77'),
      details: { list: ['secret-77'], deep: { url: 'https://u:secret-77@h' } },
    });
    const { message, details, cause } = toFailure(error, ['secret-77']) as ApplicationFailure;
    expect(JSON.stringify({ message, details, cause })).not.toContain('secret-77');
  });

  it('drops details that are too long for history whole, and cuts the message', () => {
    const error = new FurrowError('DATA_BAD_INPUT', 'x'.repeat(100_000), {
      details: { files: Array.from({ length: 5000 }, (_, at) => `plot-${at}.tif`) },
    });
    const { message, details } = toFailure(error, []) as ApplicationFailure;
    expect(JSON.stringify({ message, details }).length).toBeLessThan(6000);
    expect(details?.[0]).toMatchObject({ code: 'DATA_BAD_INPUT', detailsDropped: expect.any(String) });
  });

  it('stays a cancellation when it was one', () => {
    const cancelled = new CancelledFailure('x');
    expect(toFailure(cancelled, [])).toBe(cancelled);
  });
});

describe('the trace for the log', () => {
  it('says where the error and its causes came from, without the secret', () => {
    const trace = traceOf(new Error('outer', { cause: new Error('inner secret-77') }), ['secret-77']);
    expect(trace).toMatch(/Error: outer\n\s+at .*failure\.test\.ts[\s\S]*caused by Error: inner \[redacted\]\n\s+at /);
  });
});
