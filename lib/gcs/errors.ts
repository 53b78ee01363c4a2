/** What the errors of Cloud Storage mean to a person. */
import { FurrowError } from '../../contract/errors.ts';
import { isPassingStatus } from '../http/download.ts';

/** The client rejects some uploads with what the server said, which is no Error. */
export function asError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown;
  const { message, code } = (thrown ?? {}) as { message?: unknown; code?: unknown };
  return Object.assign(new Error(String(message ?? thrown)), { code });
}

/** The HTTP status that the server answered with, if it answered. */
export function statusOf(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, status, response } = error as {
    code?: unknown;
    status?: unknown;
    response?: { statusCode?: unknown; status?: unknown };
  };
  // Its layers differ, and what answers for a proxy may not write Google's errors.
  return [code, status, response?.statusCode, response?.status].map(Number).find(Number.isInteger);
}

/** The one failure that needs no server: there is nothing to ask it with. Undefined for every other error. */
export function missingCredentials(error: unknown, place: string): FurrowError | undefined {
  const known = /Could not load the default credentials|invalid_grant|does not contain a client_email|private_key/;
  if (!(error instanceof Error && known.test(error.message))) return undefined;
  return new FurrowError('CREDENTIALS_MISSING', `There are no credentials to reach ${place} with: ${reasonOf(error)}`, {
    cause: error,
    details: { place },
  });
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
  const [bucket = place] = /^gs:\/\/[^/]+/.exec(place) ?? [];
  const credentials = missingCredentials(error, bucket);
  if (credentials) return credentials;
  const options = { cause: error, details: { place } };
  const reason = reasonOf(error);
  const absent = as === 'store' ? 'STORE_NOT_FOUND' : 'SOURCE_NOT_FOUND';
  const status = statusOf(error) ?? 0;
  if (status === 401)
    return new FurrowError('CREDENTIALS_MISSING', `${bucket} asks for credentials: ${reason}`, options);
  if (status === 403)
    return new FurrowError('ACCESS_DENIED', `These credentials may not do this at ${place}: ${reason}`, options);
  if (status === 404) return new FurrowError(absent, `There is no bucket ${bucket}, or nothing at ${place}`, options);
  if (status >= 400 && !isPassingStatus(status))
    return new FurrowError(absent, `${bucket} refuses to be asked for ${place}: ${reason}`, options);
  const unavailable = as === 'store' ? 'STORE_UNAVAILABLE' : 'SOURCE_UNAVAILABLE';
  return new FurrowError(unavailable, `${place} cannot be reached: ${reason}`, options);
}

function reasonOf(error: Error): string {
  return (error.message.split('\n')[0] as string).slice(0, 300);
}

/** The object, not the bucket, whose names the messages hold: without a bucket nothing can be made, either. */
export function isAbsent(error: unknown): boolean {
  return (
    statusOf(error) === 404 &&
    !/specified bucket does not exist|^(\{.*"message":")?(The )?bucket .*not/is.test((error as Error).message)
  );
}
