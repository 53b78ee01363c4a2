/** What the client's errors mean to a person. */
import { FurrowError } from '../../contract/errors.ts';

/** The HTTP status that the server answered with, if it answered. */
export function statusOf(error: unknown): number | undefined {
  const code = error instanceof Error && 'code' in error ? Number(error.code) : Number.NaN;
  return Number.isInteger(code) ? code : undefined;
}

/**
 * An error of the client as one of Furrow's.
 *
 * @param place `gs://…`, what was asked for
 * @param as whether it is there for a store or for a source
 */
export function gcsFailure(error: unknown, place: string, as: 'store' | 'source' = 'store'): unknown {
  // A TypeError is a fault of the program, not of the server.
  if (error instanceof FurrowError || error instanceof TypeError || !(error instanceof Error)) return error;
  const [bucket] = /^gs:\/\/[^/]+/.exec(place) ?? [place];
  const options = { cause: error, details: { place } };
  const reason = (error.message.split('\n')[0] as string).slice(0, 300);
  if (/Could not load the default credentials|invalid_grant|Unable to detect a Project Id/.test(error.message)) {
    return new FurrowError(
      'CREDENTIALS_MISSING',
      `There are no credentials to reach ${bucket} with: ${reason}`,
      options,
    );
  }
  switch (statusOf(error)) {
    case 401:
      return new FurrowError('CREDENTIALS_MISSING', `${bucket} asks for credentials: ${reason}`, options);
    case 403:
      return new FurrowError('ACCESS_DENIED', `These credentials may not do this at ${place}: ${reason}`, options);
    case 404:
      return new FurrowError(
        as === 'store' ? 'STORE_NOT_FOUND' : 'SOURCE_NOT_FOUND',
        `There is no bucket ${bucket}, or nothing at ${place}`,
        options,
      );
    default:
      return new FurrowError(
        as === 'store' ? 'STORE_UNAVAILABLE' : 'SOURCE_UNAVAILABLE',
        `${place} cannot be reached: ${reason}`,
        options,
      );
  }
}
