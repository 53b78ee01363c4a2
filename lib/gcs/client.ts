/**
 * Google's client for Cloud Storage. Version 7, which runs on Node 20; 8 asks for 22.
 *
 * Credentials are Google's standard ones and nothing else (https://cloud.google.com/docs/authentication/application-default-credentials):
 * never in a config, and so never in history. Every request is repeated, with growing waits, when it failed in passing: all that
 * Furrow writes has a generation precondition, and a deletion may be done twice
 * (https://cloud.google.com/storage/docs/retry-strategy).
 */
import { readFile } from 'node:fs/promises';
import type { ApiError, Storage } from '@google-cloud/storage';
import { FurrowError } from '../../contract/errors.ts';

/** Another server than Google's: for tests and on-premise ones. The client's own `STORAGE_EMULATOR_HOST` asks at wrong paths. */
export const endpointVariable = 'FURROW_GCS_ENDPOINT';

const clients = new Map<string, Promise<Storage>>();

/** Milliseconds of a request, its sending included: by itself the client has none. What it sends is a megabyte at most. */
const timeout = 60_000;
/** Beyond the first, after 1, 2, 4, … seconds: a server that is away for half a minute is waited for. */
const maxRetries = 5;

/**
 * One client a process and server: it keeps connections open.
 *
 * @throws FurrowError `CREDENTIALS_MISSING` when those that the environment names cannot be read
 */
export function gcsClient(env: NodeJS.ProcessEnv = process.env): Promise<Storage> {
  const endpoint = env[endpointVariable] ?? '';
  let client = clients.get(endpoint);
  if (!client) {
    client = makeClient(endpoint, env);
    clients.set(endpoint, client);
    // What is wrong may be right the next time.
    client.catch(() => clients.delete(endpoint));
  }
  return client;
}

async function makeClient(endpoint: string, env: NodeJS.ProcessEnv): Promise<Storage> {
  const { IdempotencyStrategy, RETRYABLE_ERR_FN_DEFAULT, Storage } = await import('@google-cloud/storage');
  const retryOptions = {
    idempotencyStrategy: IdempotencyStrategy.RetryAlways,
    maxRetries,
    retryableErrorFn: (error: ApiError) => RETRYABLE_ERR_FN_DEFAULT(error) || isNoAnswer(error),
  };
  if (endpoint === '') await checkCredentials(env.GOOGLE_APPLICATION_CREDENTIALS);
  // With a server of one's own there is no project to find out.
  return endpoint === ''
    ? new Storage({ retryOptions, timeout })
    : new Storage({ apiEndpoint: endpoint, projectId: 'furrow', retryOptions, timeout });
}

/** The client's own words would quote what is in the file. */
async function checkCredentials(file: string | undefined): Promise<void> {
  if (!file) return;
  try {
    JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    const what =
      error instanceof SyntaxError ? 'is no JSON' : `cannot be read (${(error as NodeJS.ErrnoException).code})`;
    throw new FurrowError('CREDENTIALS_MISSING', `GOOGLE_APPLICATION_CREDENTIALS names ${file}, which ${what}`);
  }
}

/** What the client's own rule leaves out: a server that is being started again, and its own limit of a minute. */
function isNoAnswer({ code, message }: { readonly code?: unknown; readonly message?: string }): boolean {
  return (
    ['ECONNREFUSED', 'ETIMEDOUT', 'EHOSTUNREACH'].includes(String(code)) ||
    /timeout|socket hang up/i.test(message ?? '')
  );
}
