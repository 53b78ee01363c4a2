/**
 * Google's client for Cloud Storage. Version 7, which runs on Node 20; 8 asks for 22.
 *
 * Credentials are Google's standard ones and nothing else (https://cloud.google.com/docs/authentication/application-default-credentials):
 * never in a config, and so never in history. Every request is repeated, with growing waits, when it failed in passing: all that
 * Furrow writes has a generation precondition, and a deletion may be done twice
 * (https://cloud.google.com/storage/docs/retry-strategy).
 */
import type { Storage } from '@google-cloud/storage';

/** Another server than Google's: for tests and on-premise ones. The client's own `STORAGE_EMULATOR_HOST` asks at wrong paths. */
export const endpointVariable = 'FURROW_GCS_ENDPOINT';

const clients = new Map<string, Promise<Storage>>();

/** One client a process and server: it keeps connections open. */
export function gcsClient(env: NodeJS.ProcessEnv = process.env): Promise<Storage> {
  const endpoint = env[endpointVariable] ?? '';
  let client = clients.get(endpoint);
  if (!client) {
    client = makeClient(endpoint);
    clients.set(endpoint, client);
  }
  return client;
}

async function makeClient(endpoint: string): Promise<Storage> {
  const { IdempotencyStrategy, Storage } = await import('@google-cloud/storage');
  const retryOptions = { idempotencyStrategy: IdempotencyStrategy.RetryAlways };
  // With a server of one's own there is no project to find out.
  return endpoint === ''
    ? new Storage({ retryOptions })
    : new Storage({ apiEndpoint: endpoint, projectId: 'furrow', retryOptions });
}
