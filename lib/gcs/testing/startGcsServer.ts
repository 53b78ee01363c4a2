/** A real server that speaks the protocol of Cloud Storage, fsouza/fake-gcs-server: `npm test` builds it where there is Go. */
import { spawn } from 'node:child_process';
import { Storage } from '@google-cloud/storage';
import { answering, findProgram, freePort } from '../../testing/localServer.ts';

/** `FURROW_TEST_GCS`, as `npm test` sets it, else in the per-user cache, else on the PATH. */
export const gcsProgram = findProgram('FURROW_TEST_GCS', 'test-servers/fake-gcs-server-1.56.1', 'fake-gcs-server');

export interface GcsServer {
  /** `http://127.0.0.1:PORT` */
  readonly endpoint: string;
  /** Asks the server itself, whatever the product is pointed at. */
  readonly client: Storage;
}

export interface StartOptions {
  /** Keeps the objects on disk, below this folder; in memory without it. On disk there are no generations. */
  readonly folder?: string;
}

/** @returns the server, and what ends it */
export async function startGcsServer({ folder }: StartOptions = {}): Promise<{
  readonly server: GcsServer;
  end(signal: NodeJS.Signals): Promise<void>;
}> {
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const backend = folder === undefined ? ['memory'] : ['filesystem', '-filesystem-root', folder];
  const args = ['-backend', ...backend, '-scheme', 'http', '-host', '127.0.0.1', '-port', `${port}`];
  const child = spawn(String(gcsProgram), [...args, '-public-host', `127.0.0.1:${port}`, '-external-url', endpoint], {
    stdio: 'ignore',
  });
  const end = await answering(child, { url: `${endpoint}/storage/v1/b`, seconds: 10 });
  return { server: { endpoint, client: new Storage({ apiEndpoint: endpoint, projectId: 'test' }) }, end };
}
