/** A real server that speaks the protocol of Cloud Storage, fsouza/fake-gcs-server: `npm test` builds it where there is Go. */
import { spawn } from 'node:child_process';
import { Storage } from '@google-cloud/storage';
import { afterAll, beforeAll } from 'vitest';
import { answering, findProgram, freePort } from '../../testing/localServer.ts';
import { endpointVariable } from '../client.ts';

/** `FURROW_TEST_GCS`, as `npm test` sets it, else in the per-user cache, else on the PATH. */
export const gcsProgram = findProgram('FURROW_TEST_GCS', 'test-servers/fake-gcs-server-1.56.1', 'fake-gcs-server');

export interface GcsServer {
  /** `http://127.0.0.1:PORT` */
  readonly endpoint: string;
  /** Asks the server itself, whatever the product is pointed at. */
  readonly client: Storage;
}

/** Starts a server before the tests of a `describe`, points the product at it, and takes both back after them. */
export function useGcsServer(): GcsServer {
  const before = process.env[endpointVariable];
  let started: { readonly server: GcsServer; end(signal: NodeJS.Signals): Promise<void> } | undefined;
  const server = (): GcsServer => {
    if (!started) throw new Error('The GCS server is there in hooks and tests alone');
    return started.server;
  };
  beforeAll(async () => {
    started = await start();
    process.env[endpointVariable] = started.server.endpoint;
  });
  afterAll(async () => {
    await started?.end('SIGKILL');
    if (before === undefined) delete process.env[endpointVariable];
    else process.env[endpointVariable] = before;
  });
  return {
    get endpoint() {
      return server().endpoint;
    },
    get client() {
      return server().client;
    },
  };
}

async function start() {
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const args = ['-backend', 'memory', '-scheme', 'http', '-host', '127.0.0.1', '-port', `${port}`];
  const child = spawn(String(gcsProgram), [...args, '-public-host', `127.0.0.1:${port}`, '-external-url', endpoint], {
    stdio: 'ignore',
  });
  const end = await answering(child, { url: `${endpoint}/storage/v1/b`, seconds: 10 });
  return { server: { endpoint, client: new Storage({ apiEndpoint: endpoint, projectId: 'test' }) }, end };
}
