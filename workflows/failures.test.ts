import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  RetryState,
  TimeoutFailure,
  TimeoutType,
} from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { FurrowError } from '../contract/errors.ts';
import { failureConverter } from './failureConverter.ts';
import { asApplicationFailure, readFailure } from './failures.ts';

describe('what Temporal reports of a stage', () => {
  it('is read with its code, its message, what to do, and the checkpoint that was reached', () => {
    const reported = failed(
      ApplicationFailure.create({
        type: 'CHILD_CRASHED',
        message: 'signal SIGSEGV',
        nonRetryable: false,
        details: [{ code: 'CHILD_CRASHED', checkpointStep: 40 }],
      }),
    );
    expect(readFailure(reported)).toEqual({
      failure: { code: 'CHILD_CRASHED', message: 'signal SIGSEGV', action: expect.stringContaining('checkpoint') },
      retryable: true,
      checkpointStep: 40,
    });
  });

  it('is a lost worker when heartbeats stopped, with the checkpoint that the last of them named', () => {
    const heartbeat = { stage: 'model', doing: 'epoch 3/20', checkpoint: { step: 30 } };
    const lost = failed(new TimeoutFailure('timed out', heartbeat, TimeoutType.HEARTBEAT));
    expect(readFailure(lost)).toMatchObject({ failure: { code: 'WORKER_LOST' }, retryable: true, checkpointStep: 30 });
    const odd = failed(new TimeoutFailure('timed out', 'an older worker said this', TimeoutType.HEARTBEAT));
    expect(readFailure(odd)).toMatchObject({ retryable: true, checkpointStep: undefined });
  });

  it('is a stage that took too long otherwise, and is not tried again', () => {
    const late = failed(new TimeoutFailure('timed out', undefined, TimeoutType.START_TO_CLOSE));
    expect(readFailure(late)).toMatchObject({ failure: { code: 'STAGE_TIMED_OUT' }, retryable: false });
  });

  it('is a lost worker when workers shut down once too often', () => {
    const handedBack = failed(ApplicationFailure.create({ type: 'WORKER_SHUTDOWN', message: 'handed back' }));
    expect(readFailure(handedBack)).toMatchObject({ failure: { code: 'WORKER_LOST' }, retryable: true });
  });

  it('is our fault when it has a code that nobody knows', () => {
    expect(readFailure(failed(ApplicationFailure.create({ type: 'TypeError', message: 'x' }))).failure.code).toBe(
      'INTERNAL',
    );
    expect(readFailure(new Error('x'))).toMatchObject({
      failure: { code: 'INTERNAL', message: 'x' },
      retryable: false,
    });
    expect(readFailure('a text')).toMatchObject({ failure: { code: 'INTERNAL', message: 'a text' } });
  });
});

describe('what leaves workflow code', () => {
  it.each([
    ['a failed activity', failed(ApplicationFailure.create({ type: 'DATA_EMPTY', message: 'm' })), 'DATA_EMPTY'],
    ['a failure of ours', new FurrowError('STORE_FULL', 'm'), 'STORE_FULL'],
    ['a fault in the code', new TypeError('m'), 'INTERNAL'],
    ['anything thrown', 'm', 'INTERNAL'],
  ])('is an ApplicationFailure for %s', (_, error, type) => {
    const left = asApplicationFailure(error, 'place');
    expect(left).toBeInstanceOf(ApplicationFailure);
    expect(left).toMatchObject({ type, message: 'place: m', nonRetryable: true });
  });

  it('stays a cancellation when it was one', () => {
    const cancelled = new CancelledFailure('by a person');
    expect(asApplicationFailure(cancelled, 'place')).toBe(cancelled);
  });
});

describe('the failure converter', () => {
  const payloads = { toPayload: () => ({}), fromPayload: () => undefined } as never;

  it('lets no credential into history: not in the message, a cause, or a stack', () => {
    const error = new Error('outer token=abcdef123456', {
      cause: new Error('inner https://user:hunter22@host/', { cause: new Error('Bearer abcdefgh12345678') }),
    });
    const text = JSON.stringify(failureConverter.errorToFailure(error, payloads));
    for (const secret of ['abcdef123456', 'hunter22', 'abcdefgh12345678']) expect(text).not.toContain(secret);
    expect(text).toContain('outer');
  });

  it('cuts what is long', () => {
    const error = new Error('x'.repeat(100_000), { cause: new Error('y'.repeat(100_000)) });
    expect(JSON.stringify(failureConverter.errorToFailure(error, payloads)).length).toBeLessThan(20_000);
  });
});

function failed(cause: Error): ActivityFailure {
  return new ActivityFailure(
    'the activity failed',
    'train',
    'model#1',
    RetryState.MAXIMUM_ATTEMPTS_REACHED,
    'worker',
    cause,
  );
}
